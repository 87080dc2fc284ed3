#include "broker/secrets/kubernetes/kubernetes_secret_watcher.h"
#include "common/log/log.h"

#include <utility>

namespace connector::broker::secrets {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds kGetTimeout{10};
// An API server ends watches earlier by itself. This ends one that a broken server would keep.
constexpr std::chrono::hours kLongestWatch{2};
constexpr milliseconds kConfirmAgain{2000};
// Refusals in a row that take a credential away. One is not enough: an API server that has just
// started refuses everything until it has read the roles.
constexpr unsigned kBelievedRefusals = 2;

}  // namespace

Task<void> KubernetesSecretWatcher::Watch(
    [[maybe_unused]] std::shared_ptr<KubernetesSecretWatcher> self,
    ItemPointer item,
    milliseconds delay) {
  co_await Pause(item, delay);
  while (true) {
    // One watch for each Secret: a Role names single Secrets, and such rights allow no wider watch.
    const Result<kube::WatchEnd> end = co_await WatchOnce(item);
    milliseconds pause{0};
    bool refused = false;
    {
      const std::lock_guard lock(mutex_);
      item->watch_event->Set(Done{});
      if (item->dropped) {
        co_return;
      }
      ++watch_restarts_;
      refused = !end && end.error().code == ErrorCode::kPermissionDenied;
      // After an error or "too old" the server may have dropped events: start from the present
      // state.
      if (!end || *end == kube::WatchEnd::kExpired) {
        item->resume_from.clear();
      }
      item->failures += 1;  // Reset by the first event: a watch that ends at once counts as failed.
      pause = PauseAfter(*item);
    }
    if (refused) {
      co_await ClassifyRefusal(item);
    } else if (!end) {
      RecordFailure(item, ExplainKubeError(end.error(), item->need.ref, KubeVerb::kWatch));
    }
    co_await Pause(item, pause);
  }
}

Task<Result<kube::WatchEnd>> KubernetesSecretWatcher::WatchOnce(ItemPointer item) {
  std::string from;
  Signal watch_event = std::make_shared<OneShot<Done>>();
  {
    const std::lock_guard lock(mutex_);
    item->watch_event = watch_event;
    if (item->dropped) {
      co_return kube::WatchEnd::kClosed;
    }
    from = item->resume_from;
  }
  kube::Selector selector{item->name.ns, {}, "metadata.name=" + item->name.name};
  std::function<void(kube::WatchEvent)> on_event = [self = shared_from_this(),
                                                    item](const kube::WatchEvent& event) {
    self->OnWatchEvent(item, event);
  };
  co_return co_await parts_.client.Watch(kube::kSecrets,
                                         std::move(selector),
                                         std::move(from),
                                         std::move(on_event),
                                         parts_.times.idle,
                                         Steady::now() + kLongestWatch,
                                         item->stop);
}

Task<void> KubernetesSecretWatcher::Confirm(
    [[maybe_unused]] std::shared_ptr<KubernetesSecretWatcher> self,
    ItemPointer item,
    Signal watch_event) {
  milliseconds delay = parts_.times.confirm;
  while (true) {
    if (co_await OneShot<Done>::Wait(watch_event, Steady::now() + delay)) {
      co_return;
    }
    std::uint64_t event_count = 0;
    {
      const std::lock_guard lock(mutex_);
      event_count = item->event_count;
    }
    const Result<kube::ObjectPtr> answer = co_await Get(item);
    // A Secret that exists comes as an event of the watch, so wait for that. Nothing comes for one
    // that does not exist: then the answer to the get is final.
    if (ApplyGetResult(item, event_count, answer) && !answer) {
      co_return;
    }
    delay = kConfirmAgain;
  }
}

// The content was dropped after it was reduced to what was needed before, so it must be read again.
Task<void> KubernetesSecretWatcher::Reread(
    [[maybe_unused]] std::shared_ptr<KubernetesSecretWatcher> self, ItemPointer item) {
  std::uint64_t event_count = 0;
  {
    const std::lock_guard lock(mutex_);
    event_count = item->event_count;
  }
  const Result<kube::ObjectPtr> answer = co_await Get(item);
  if (!ApplyGetResult(item, event_count, answer)) {
    const std::lock_guard lock(mutex_);
    item->resume_from.clear();  // The next watch starts from the present state.
  }
}

// A get tells which right is missing. An API that is down is not a refusal and takes nothing away.
Task<void> KubernetesSecretWatcher::ClassifyRefusal(ItemPointer item) {
  const Result<kube::ObjectPtr> answer = co_await Get(item);
  const bool may_get = answer || answer.error().code == ErrorCode::kNotFound;
  if (!may_get && answer.error().code != ErrorCode::kPermissionDenied) {
    RecordFailure(item, ExplainKubeError(answer.error(), item->need.ref, KubeVerb::kGet));
    co_return;
  }
  const Error refusal =
      ExplainKubeError(MakeError(ErrorCode::kPermissionDenied, ErrorOrigin::kUpstream, {}),
                       item->need.ref,
                       may_get ? KubeVerb::kWatch : KubeVerb::kGet);
  RecordFailure(item, refusal);
  std::function<void()> notify;
  {
    const std::lock_guard lock(mutex_);
    ++item->refusals;
    if (item->dropped ||
        (item->seen.content.problem.empty() && item->refusals < kBelievedRefusals)) {
      co_return;
    }
    item->unwatched = refusal;
    notify = ApplyContent(item, KubeContentOf(refusal));
  }
  if (notify) {
    notify();
  }
}

Task<Result<kube::ObjectPtr>> KubernetesSecretWatcher::Get(ItemPointer item) {
  return parts_.client.Get(kube::kSecrets, item->name, Steady::now() + kGetTimeout);
}

Task<void> KubernetesSecretWatcher::Pause(ItemPointer item, milliseconds time) {
  Signal wake = std::make_shared<OneShot<Done>>();
  {
    const std::lock_guard lock(mutex_);
    if (item->dropped || time.count() == 0) {
      co_return;
    }
    item->wake = wake;
  }
  co_await OneShot<Done>::Wait(wake, Steady::now() + time);
}

void KubernetesSecretWatcher::OnWatchOpened(const ItemPointer& item) {
  Signal watch_event;
  {
    const std::lock_guard lock(mutex_);
    if (item->dropped) {
      return;
    }
    item->refusals = 0;
    item->unwatched.reset();
    item->seen.last_error.clear();
    item->seen.last_error_at.reset();
    if (!item->resume_from.empty()) {
      return;
    }
    watch_event = item->watch_event;
  }
  tasks_->Spawn(Confirm(shared_from_this(), item, watch_event));
}

void KubernetesSecretWatcher::OnWatchEvent(const ItemPointer& item, const kube::WatchEvent& event) {
  if (event.kind == kube::WatchEventKind::kOpened) {
    OnWatchOpened(item);
    return;
  }
  std::function<void()> notify;
  {
    const std::lock_guard lock(mutex_);
    if (item->dropped) {
      return;
    }
    item->resume_from = event.resource_version;
    item->failures = 0;
    item->seen.last_success = parts_.clock.Now();
    item->seen.last_error.clear();
    item->seen.last_error_at.reset();
    if (event.kind == kube::WatchEventKind::kBookmark) {
      return;  // Carries a resource version only. It does not say whether the Secret exists.
    }
    ++item->event_count;
    item->watch_event->Set(Done{});
    if (event.kind == kube::WatchEventKind::kDeleted) {
      const Error gone = MakeError(ErrorCode::kNotFound, ErrorOrigin::kUpstream, {});
      notify =
          ApplyContent(item, KubeContentOf(ExplainKubeError(gone, item->need.ref, KubeVerb::kGet)));
    } else {
      notify = ApplyContent(item, KubeContentOf(*event.object, item->need, versions_));
    }
  }
  if (notify) {
    notify();
  }
}

bool KubernetesSecretWatcher::ApplyGetResult(const ItemPointer& item,
                                             std::uint64_t event_count,
                                             const Result<kube::ObjectPtr>& answer) {
  const bool definite = answer || answer.error().code == ErrorCode::kNotFound ||
                        answer.error().code == ErrorCode::kPermissionDenied;
  if (!definite) {
    RecordFailure(item, ExplainKubeError(answer.error(), item->need.ref, KubeVerb::kGet));
    return false;
  }
  std::function<void()> notify;
  {
    const std::lock_guard lock(mutex_);
    // An event that came during the get is newer than its answer.
    if (item->dropped || item->event_count != event_count) {
      return true;
    }
    item->seen.last_success = parts_.clock.Now();
    item->seen.last_error.clear();
    item->seen.last_error_at.reset();
    notify = ApplyContent(
        item,
        answer ? KubeContentOf(**answer, item->need, versions_)
               : KubeContentOf(ExplainKubeError(answer.error(), item->need.ref, KubeVerb::kGet)));
  }
  if (notify) {
    notify();
  }
  return true;
}

void KubernetesSecretWatcher::RecordFailure(const ItemPointer& item, const Error& error) {
  const std::lock_guard lock(mutex_);
  item->seen.last_error = error.message;
  item->seen.last_error_at = parts_.clock.Now();
}

// Under the lock. The caller delivers the notification after it: a callback may call Follow.
std::function<void()> KubernetesSecretWatcher::ApplyContent(const ItemPointer& item,
                                                            KubeContent content) {
  KubeObservation& seen = item->seen;
  if (seen.known && seen.content == content) {
    return {};
  }
  const bool changed = seen.content.version != content.version;
  seen.known = true;
  seen.content = std::move(content);
  return [changed, ref = item->need.ref, on_change = on_change_, this] {
    if (changed && on_change) {
      on_change(ref);
    }
    if (parts_.on_observation) {
      parts_.on_observation(ref);
    }
  };
}

}  // namespace connector::broker::secrets
