#include "common/kube/informer.h"

#include "common/async/cancel.h"
#include "common/kube/retry_policy.h"
#include "common/log/log.h"

#include <mutex>
#include <set>

namespace connector::kube {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds kListTime{60};
constexpr std::chrono::seconds kLeastWatchLength{3};
// The server ends a watch, so that its connection serves the next one.
constexpr std::chrono::seconds kServerEnds{1};
// Watches that end together do not come back together.
constexpr Milliseconds kRest{200};
// One that ends sooner, and brought nothing, is a failure.
constexpr std::chrono::seconds kShortWatch{2};

bool IsSame(const ObjectPtr& one, const ObjectPtr& other) {
  return one->resource_version() == other->resource_version() && one->uid() == other->uid();
}

}  // namespace

ObjectPtr Store::Find(const ObjectName& name) const {
  const auto found = objects.find(name);
  return found == objects.end() ? nullptr : found->second;
}

void NoticeSilence(Milliseconds silence, InformerOptions& options) {
  options.length = std::max<Milliseconds>(silence / 2, kLeastWatchLength);
  options.idle = std::min<Milliseconds>(options.length + silence / 6, kDefaultIdleWatch);
}

class Informer::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(InformerOptions options, Parts parts, OnChange on_change)
      : options_(std::move(options)), parts_(std::move(parts)), on_change_(std::move(on_change)) {}

  void Start(Executor executor) {
    tasks_.emplace(executor);
    tasks_->Spawn(Run(shared_from_this()));
  }

  void RequestStop() {
    {
      const std::lock_guard lock(publishing_);
      stopped_ = true;
    }
    cancel_->Request();
  }

  static Task<bool> Stop(std::shared_ptr<Impl> self, Deadline deadline) {
    self->RequestStop();
    if (!self->tasks_) {
      co_return true;
    }
    const bool ended = co_await self->tasks_->Close(deadline);
    co_return ended;
  }

  [[nodiscard]] std::shared_ptr<const Store> Current() const { return std::atomic_load(&current_); }

  [[nodiscard]] InformerHealth Health() const {
    const std::lock_guard lock(mutex_);
    InformerHealth health = health_;
    // Requests over a dead connection take long to fail: until then only the silence tells.
    const auto silence = std::chrono::duration_cast<Milliseconds>(Steady::now() - heard_at_);
    if (health.synced && !health.failing_since && silence > options_.idle) {
      health.failing_since = parts_.clock->Now() - silence;
      health.problem = "nothing was heard for " + std::to_string(silence.count() / 1000) + " s";
    }
    return health;
  }

  static Task<bool> WaitForSync(std::shared_ptr<Impl> self, Deadline deadline) {
    co_return (co_await OneShot<Done>::Wait(self->synced_, deadline)).has_value();
  }

 private:
  static Task<void> Run(std::shared_ptr<Impl> self) {
    while (!self->cancel_->requested()) {
      bool fine = false;
      if (self->version_.empty()) {
        fine = co_await List(self);
      } else {
        fine = co_await Watch(self);
      }
      Milliseconds wait{0};
      if (!fine) {
        wait = self->backoff_.Next(self->parts_.random());
      } else if (!self->version_.empty() && self->watched_) {
        wait = Milliseconds(
            static_cast<int>(static_cast<double>(kRest.count()) * self->parts_.random()));
      }
      if (wait.count() > 0) {
        co_await Cancel::Sleep(self->cancel_, Steady::now() + wait);
      }
    }
  }

  // False when it did not come through.
  static Task<bool> List(std::shared_ptr<Impl> self) {
    const Deadline until = Steady::now() + kListTime;
    Result<Listing> listing = co_await self->parts_.client->List(
        self->options_.type, self->options_.selector, until, self->cancel_);
    if (!listing) {
      self->Failed(listing.error());
      co_return false;
    }
    self->watched_ = false;
    self->version_ = listing->resource_version;
    self->Replace(*std::move(listing));
    self->Publish();
    self->synced_->Set(Done{});
    co_return true;
  }

  // False when it should not be tried again at once.
  static Task<bool> Watch(std::shared_ptr<Impl> self) {
    const auto started = Steady::now();
    const Deadline until = started + self->options_.length + kServerEnds;
    self->watched_ = true;
    self->heard_ = false;
    std::function<void(WatchEvent)> on_event = [self](WatchEvent event) {
      self->Take(std::move(event));
    };
    Result<WatchEnd> end = co_await self->parts_.client->Watch(self->options_.type,
                                                               self->options_.selector,
                                                               self->version_,
                                                               std::move(on_event),
                                                               self->options_.idle,
                                                               until,
                                                               self->cancel_);
    if (!end) {
      const bool over = Steady::now() >= until;
      if (!over) {
        self->Failed(end.error());
      }
      co_return over;
    }
    if (*end == WatchEnd::kSilent && !self->silent_since_) {
      self->silent_since_ = self->parts_.clock->Now() - self->options_.idle;
    }
    // An API server whose store was set back says nothing of a version that lies ahead of it.
    const bool ahead = *end == WatchEnd::kSilent && !self->heard_;
    if (*end == WatchEnd::kExpired || ahead) {
      self->version_.clear();
    }
    const bool useful = self->heard_ || Steady::now() - started > kShortWatch;
    if (useful) {
      self->backoff_.Reset();
    }
    co_return useful;
  }

  void Heard() {
    const std::lock_guard lock(mutex_);
    heard_at_ = Steady::now();
  }

  void Take(WatchEvent event) {
    Heard();
    if (event.kind == WatchEventKind::kOpened) {
      silent_since_.reset();
      Recovered();
      return;
    }
    heard_ = true;
    version_ = std::move(event.resource_version);
    if (event.object == nullptr) {
      return;
    }
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      const ObjectName& name = event.object->name();
      first = changed_.empty();
      changed_.insert(name);
      if (event.kind == WatchEventKind::kDeleted) {
        objects_.erase(name);
      } else {
        objects_[name] = event.object;
      }
    }
    if (first) {
      tasks_->Spawn(PublishSoon(shared_from_this()));
    }
  }

  static Task<void> PublishSoon(std::shared_ptr<Impl> self) {
    const Deadline until = Steady::now() + self->options_.batch;
    const bool cancelled = co_await Cancel::Sleep(self->cancel_, until);
    if (!cancelled) {
      self->Publish();
    }
  }

  // All of a list. What is no longer there was deleted meanwhile.
  void Replace(Listing listing) {
    std::map<ObjectName, ObjectPtr> fresh;
    for (ObjectPtr& object : listing.items) {
      const ObjectName name = object->name();
      fresh.insert_or_assign(name, std::move(object));
    }
    const std::lock_guard lock(mutex_);
    for (const auto& [name, object] : objects_) {
      const auto found = fresh.find(name);
      if (found == fresh.end() || !IsSame(found->second, object)) {
        changed_.insert(name);
      }
    }
    for (const auto& [name, ignored] : fresh) {
      if (!objects_.contains(name)) {
        changed_.insert(name);
      }
    }
    objects_ = std::move(fresh);
    health_.synced = true;
    heard_at_ = Steady::now();
  }

  void Publish() {
    const std::lock_guard one_at_a_time(publishing_);
    auto store = std::make_shared<Store>();
    Changes changes;
    {
      const std::lock_guard lock(mutex_);
      changes.assign(changed_.begin(), changed_.end());
      changed_.clear();
      store->objects = objects_;
    }
    // The first call tells of the first sync, also of nothing; a later one tells of something.
    if (stopped_ || (changes.empty() && published_)) {
      return;
    }
    published_ = true;
    const std::shared_ptr<const Store> fresh = std::move(store);
    std::atomic_store(&current_, fresh);
    if (on_change_) {
      on_change_(fresh, changes);
    }
  }

  void Failed(const Error& error) {
    if (cancel_->requested()) {
      return;
    }
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      first = !health_.failing_since;
      if (first) {
        // After a silence nobody knows when the connection died: the earliest counts.
        health_.failing_since = silent_since_.value_or(parts_.clock->Now());
      }
      health_.problem = error.message;
    }
    if (first && parts_.logger != nullptr) {
      parts_.logger->Warning("could not watch the Kubernetes API; keeping the last state",
                             {{"resource", options_.type.plural}, {"error", error.message}});
    }
  }

  void Recovered() {
    {
      const std::lock_guard lock(mutex_);
      if (!health_.failing_since) {
        return;
      }
      health_.failing_since.reset();
      health_.problem.clear();
    }
    if (parts_.logger != nullptr) {
      parts_.logger->Info("watching the Kubernetes API again",
                          {{"resource", options_.type.plural}});
    }
  }

  const InformerOptions options_;
  const Parts parts_;
  const OnChange on_change_;
  const std::shared_ptr<Cancel> cancel_ = std::make_shared<Cancel>();
  const std::shared_ptr<OneShot<Done>> synced_ = std::make_shared<OneShot<Done>>();
  std::optional<TaskGroup> tasks_;

  // Only of Run and what it calls.
  std::string version_;  // Empty: list.
  bool watched_ = false;
  bool heard_ = false;
  std::optional<WallTime> silent_since_;  // The last watch ended because it said nothing.
  resilience::Backoff backoff_{kWatchBackoff};

  std::mutex publishing_;  // Held while on_change runs, so that one call runs at a time.
  bool published_ = false;
  bool stopped_ = false;

  mutable std::mutex mutex_;
  std::map<ObjectName, ObjectPtr> objects_;
  std::set<ObjectName> changed_;
  InformerHealth health_;
  Steady::time_point heard_at_;  // Of the last word of the API; good once synced.

  std::shared_ptr<const Store> current_ = std::make_shared<const Store>();  // Atomic.
};

Informer::Informer(InformerOptions options, Parts parts, OnChange on_change)
    : impl_(std::make_shared<Impl>(std::move(options), std::move(parts), std::move(on_change))) {}

Informer::~Informer() {
  impl_->RequestStop();
}

void Informer::Start(Executor executor) {
  impl_->Start(executor);
}

Task<bool> Informer::Stop(Deadline deadline) {
  return Impl::Stop(impl_, deadline);
}

std::shared_ptr<const Store> Informer::Current() const {
  return impl_->Current();
}

InformerHealth Informer::Health() const {
  return impl_->Health();
}

Task<bool> Informer::WaitForSync(Deadline deadline) {
  return Impl::WaitForSync(impl_, deadline);
}

}  // namespace connector::kube
