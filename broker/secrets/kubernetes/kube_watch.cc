#include "broker/secrets/kubernetes/kubernetes_secret_watcher.h"
#include "common/log/log.h"

#include <utility>

namespace connector::broker::secrets {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds kGetTimeout{10};
// The server ends a watch before this by itself.
constexpr std::chrono::hours kLongestWatch{2};
constexpr milliseconds kConfirmAgain{2000};
// A refusal that takes a credential away is believed when it comes twice: an API server that has
// just started refuses everything for a moment, until it has read the roles.
constexpr unsigned kBelievedRefusals = 2;

}  // namespace

Task<void> KubernetesSecretWatcher::Watch(
    [[maybe_unused]] std::shared_ptr<KubernetesSecretWatcher> self,
    ItemPointer item,
    milliseconds delay) {
  co_await Pause(item, delay);
  while (true) {
    const Result<kube::WatchEnd> end = co_await WatchOnce(item);
    milliseconds pause{0};
    bool refused = false;
    {
      const std::lock_guard lock(mutex_);
      item->heard->Set(Done{});
      if (item->dropped) {
        co_return;
      }
      ++watch_restarts_;
      refused = !end && end.error().code == ErrorCode::kPermissionDenied;
      if (!end || *end == kube::WatchEnd::kExpired) {
        item->resume_from.clear();
      }
      item->failures += 1;  // Until something is heard: a watch that ends at once is none.
      pause = PauseAfter(*item);
    }
    if (refused) {
      co_await JudgeRefusal(item);
    } else if (!end) {
      TakeFailure(item, ExplainKubeError(end.error(), item->need.ref, KubeVerb::kWatch));
    }
    co_await Pause(item, pause);
  }
}

Task<Result<kube::WatchEnd>> KubernetesSecretWatcher::WatchOnce(ItemPointer item) {
  std::string from;
  Signal heard = std::make_shared<OneShot<Done>>();
  {
    const std::lock_guard lock(mutex_);
    item->heard = heard;
    if (item->dropped) {
      co_return kube::WatchEnd::kClosed;
    }
    from = item->resume_from;
  }
  kube::Selector selector{item->name.ns, {}, "metadata.name=" + item->name.name};
  std::function<void(kube::WatchEvent)> on_event = [self = shared_from_this(),
                                                    item](const kube::WatchEvent& event) {
    self->TakeEvent(item, event);
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
    Signal heard) {
  milliseconds delay = parts_.times.confirm;
  while (true) {
    if (co_await OneShot<Done>::Wait(heard, Steady::now() + delay)) {
      co_return;
    }
    std::uint64_t told = 0;
    {
      const std::lock_guard lock(mutex_);
      told = item->told;
    }
    const Result<kube::ObjectPtr> answer = co_await Get(item);
    // Of what is there, the watch has yet to speak. Of what is not, it is silent.
    if (TakeAnswer(item, told, answer) && !answer) {
      co_return;
    }
    delay = kConfirmAgain;
  }
}

Task<void> KubernetesSecretWatcher::Reread(
    [[maybe_unused]] std::shared_ptr<KubernetesSecretWatcher> self, ItemPointer item) {
  std::uint64_t told = 0;
  {
    const std::lock_guard lock(mutex_);
    told = item->told;
  }
  const Result<kube::ObjectPtr> answer = co_await Get(item);
  if (!TakeAnswer(item, told, answer)) {
    const std::lock_guard lock(mutex_);
    item->resume_from.clear();  // Whatever it is, the next watch tells all of it.
  }
}

Task<void> KubernetesSecretWatcher::JudgeRefusal(ItemPointer item) {
  const Result<kube::ObjectPtr> answer = co_await Get(item);
  const bool may_get = answer || answer.error().code == ErrorCode::kNotFound;
  if (!may_get && answer.error().code != ErrorCode::kPermissionDenied) {
    TakeFailure(item, ExplainKubeError(answer.error(), item->need.ref, KubeVerb::kGet));
    co_return;
  }
  const Error refusal =
      ExplainKubeError(MakeError(ErrorCode::kPermissionDenied, ErrorOrigin::kUpstream, {}),
                       item->need.ref,
                       may_get ? KubeVerb::kWatch : KubeVerb::kGet);
  TakeFailure(item, refusal);
  std::function<void()> tell;
  {
    const std::lock_guard lock(mutex_);
    ++item->refusals;
    if (item->dropped ||
        (item->seen.content.problem.empty() && item->refusals < kBelievedRefusals)) {
      co_return;
    }
    item->unwatched = refusal;
    tell = Settle(item, KubeContentOf(refusal));
  }
  if (tell) {
    tell();
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

void KubernetesSecretWatcher::TakeOpening(const ItemPointer& item) {
  Signal heard;
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
    heard = item->heard;
  }
  scope_->Spawn(Confirm(shared_from_this(), item, heard));
}

void KubernetesSecretWatcher::TakeEvent(const ItemPointer& item, const kube::WatchEvent& event) {
  if (event.kind == kube::WatchEventKind::kOpened) {
    TakeOpening(item);
    return;
  }
  std::function<void()> tell;
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
      return;  // Says how far it is, and nothing of what was before its start.
    }
    ++item->told;
    item->heard->Set(Done{});
    if (event.kind == kube::WatchEventKind::kDeleted) {
      const Error gone = MakeError(ErrorCode::kNotFound, ErrorOrigin::kUpstream, {});
      tell = Settle(item, KubeContentOf(ExplainKubeError(gone, item->need.ref, KubeVerb::kGet)));
    } else {
      tell = Settle(item, KubeContentOf(*event.object, item->need, versions_));
    }
  }
  if (tell) {
    tell();
  }
}

bool KubernetesSecretWatcher::TakeAnswer(const ItemPointer& item,
                                         std::uint64_t told,
                                         const Result<kube::ObjectPtr>& answer) {
  const bool definite = answer || answer.error().code == ErrorCode::kNotFound ||
                        answer.error().code == ErrorCode::kPermissionDenied;
  if (!definite) {
    TakeFailure(item, ExplainKubeError(answer.error(), item->need.ref, KubeVerb::kGet));
    return false;
  }
  std::function<void()> tell;
  {
    const std::lock_guard lock(mutex_);
    if (item->dropped || item->told != told) {
      return true;
    }
    item->seen.last_success = parts_.clock.Now();
    item->seen.last_error.clear();
    item->seen.last_error_at.reset();
    tell = Settle(
        item,
        answer ? KubeContentOf(**answer, item->need, versions_)
               : KubeContentOf(ExplainKubeError(answer.error(), item->need.ref, KubeVerb::kGet)));
  }
  if (tell) {
    tell();
  }
  return true;
}

void KubernetesSecretWatcher::TakeFailure(const ItemPointer& item, const Error& error) {
  const std::lock_guard lock(mutex_);
  item->seen.last_error = error.message;
  item->seen.last_error_at = parts_.clock.Now();
}

// Under the lock.
std::function<void()> KubernetesSecretWatcher::Settle(const ItemPointer& item,
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
