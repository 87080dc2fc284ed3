#include "broker/secrets/kubernetes/kubernetes_secret_watcher.h"

#include "common/resilience/backoff.h"
#include "common/resilience/random.h"

#include <algorithm>
#include <utility>

namespace connector::broker::secrets {
namespace {

using std::chrono::milliseconds;

// A Fetch of a Secret whose watch was refused starts a new attempt, at most this often.
constexpr std::chrono::seconds kAskAgainAfter{1};
// After a refusal an administrator must grant a right, so retries are rarer than after an outage.
constexpr milliseconds kLongestAfterRefusal{5000};
constexpr milliseconds kLongestOfAll{60'000};
constexpr milliseconds kPausePerItem{20};
// Watches that start at once are spread over at most this.
constexpr milliseconds kLongestSpread{5000};

KubeStoreParts WithRandom(KubeStoreParts parts) {
  if (!parts.random) {
    parts.random = resilience::RandomFraction;
  }
  return parts;
}

milliseconds Spread(std::size_t items, double random) {
  const auto longest = std::min<milliseconds>(kLongestSpread, milliseconds(items));
  return milliseconds(static_cast<std::int64_t>(static_cast<double>(longest.count()) * random));
}

bool IsUsable(const KubeContent& content) {
  return content.problem.empty() && content.lacks.empty() && content.ca_problem.empty();
}

}  // namespace

KubernetesSecretWatcher::KubernetesSecretWatcher(KubeStoreParts parts)
    : parts_(WithRandom(std::move(parts))),
      versions_(parts_.version_key),
      tasks_(std::make_shared<TaskGroup>(parts_.executor)) {}

Task<Result<StoredSecret>> KubernetesSecretWatcher::Fetch(SecretRef ref, Deadline deadline) {
  const Result<kube::ObjectName> name = KubeNameOf(ref);
  if (!name) {
    co_return name.error();
  }
  // docs/rules.md "Secrets": `ref.ns` is the Connector's namespace, and no other reaches the URL.
  const Result<kube::ObjectPtr> object =
      co_await parts_.client.Get(kube::kSecrets, *name, deadline);
  if (!object) {
    co_return ExplainKubeError(object.error(), ref, KubeVerb::kGet);
  }
  std::optional<Error> unwatched;
  {
    const std::lock_guard lock(mutex_);
    const auto found = items_.find(*name);
    if (found != items_.end() && found->second->unwatched) {
      unwatched = found->second->unwatched;
      const std::optional<WallTime> last = found->second->seen.last_error_at;
      if (!last || parts_.clock.Now() - *last > kAskAgainAfter) {
        found->second->wake->Set(Done{});  // The right may have been granted by now.
      }
    }
  }
  // Without a watch a rotation would go unseen (docs/promises.md P6), so nothing is given out.
  if (unwatched) {
    co_return *std::move(unwatched);
  }
  Result<StoredSecret> secret = ReadKubeSecret(**object, *name);
  if (secret) {
    secret->version = versions_.Of(secret->type, secret->data);
  }
  co_return secret;
}

void KubernetesSecretWatcher::Follow(
    std::vector<SecretNeed> needs, std::optional<std::function<void(const SecretRef&)>> on_change) {
  std::map<kube::ObjectName, SecretNeed> wanted;
  for (SecretNeed& need : needs) {
    // A name that no Secret can have is not followed; Observed says why.
    if (const Result<kube::ObjectName> name = KubeNameOf(need.ref)) {
      wanted.emplace(*name, std::move(need));
    }
  }
  std::vector<ItemPointer> started;
  std::vector<ItemPointer> changed;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      return;
    }
    if (on_change) {
      on_change_ = *std::move(on_change);
    }
    std::erase_if(items_, [&](const auto& held) {
      const bool gone = !wanted.contains(held.first);
      if (gone) {
        Drop(*held.second);
      }
      return gone;
    });
    for (auto& [name, need] : wanted) {
      ItemPointer& item = items_[name];
      if (item == nullptr) {
        item = std::make_shared<Item>();
        item->name = name;
        started.push_back(item);
      } else if (item->need != need) {
        changed.push_back(item);
      }
      item->need = std::move(need);
    }
  }
  for (const ItemPointer& item : started) {
    tasks_->Spawn(Watch(shared_from_this(), item, Spread(started.size() - 1, parts_.random())));
  }
  for (const ItemPointer& item : changed) {
    tasks_->Spawn(Reread(shared_from_this(), item));
  }
}

KubeObservation KubernetesSecretWatcher::Observed(const SecretRef& ref) const {
  KubeObservation out;
  const Result<kube::ObjectName> name = KubeNameOf(ref);
  if (!name) {
    out.known = true;
    out.content = KubeContentOf(name.error());
    return out;
  }
  const std::lock_guard lock(mutex_);
  const auto found = items_.find(*name);
  if (found != items_.end()) {
    out = found->second->seen;
  }
  if (!out.known) {
    out.content.problem = "the Kubernetes API has not told of " + ref.ToString() + " yet" +
                          (out.last_error.empty() ? "" : ": " + out.last_error);
  }
  return out;
}

KubeStoreStatus KubernetesSecretWatcher::CurrentStatus() const {
  KubeStoreStatus out;
  const std::lock_guard lock(mutex_);
  out.followed = items_.size();
  out.watch_restarts = watch_restarts_;
  for (const auto& [name, item] : items_) {
    const KubeObservation& seen = item->seen;
    if (!seen.known) {
      ++out.unknown;
    } else if (!IsUsable(seen.content)) {
      ++out.unusable;
    } else if (!seen.last_error.empty()) {
      ++out.failing;
    }
  }
  return out;
}

void KubernetesSecretWatcher::Wake() {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, item] : items_) {
    if (item->failures > 0) {
      item->wake->Set(Done{});
    }
  }
}

// Under the lock.
void KubernetesSecretWatcher::Drop(Item& item) {
  item.dropped = true;
  item.stop->Request();
  item.wake->Set(Done{});
  item.watch_event->Set(Done{});
}

Task<bool> KubernetesSecretWatcher::Stop(Deadline deadline) {
  Abandon();
  co_return co_await tasks_->Close(deadline);
}

void KubernetesSecretWatcher::Abandon() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  for (const auto& [name, item] : items_) {
    Drop(*item);
  }
  items_.clear();
}

// Under the lock. The longest pause grows with the number of Secrets, so that all watches together
// reconnect at a bounded rate after an outage of the API.
milliseconds KubernetesSecretWatcher::PauseAfter(const Item& item) const {
  const milliseconds longest =
      std::clamp<milliseconds>(kPausePerItem * items_.size(),
                               item.refusals > 0 ? kLongestAfterRefusal : parts_.times.longest,
                               kLongestOfAll);
  return resilience::BackoffAfter({parts_.times.shortest, longest}, item.failures, parts_.random());
}

}  // namespace connector::broker::secrets
