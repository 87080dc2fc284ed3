#include "broker/callers/oidc/issuer_keys.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <exception>

namespace connector::broker::callers {

Error IssuerKeys::Unavailable() const {
  Error error = MakeError(ErrorCode::kUnavailable,
                          ErrorOrigin::kUpstream,
                          "the keys of issuer " + source_.issuer + " cannot be fetched",
                          Retry::kSafe);
  error.retry_after = kMinRefreshInterval;
  return error;
}

// Called with the lock held.
IssuerKeys::Plan IssuerKeys::Follow(KeyStep step) {
  Plan plan;
  if (step == KeyStep::kUseAndRefresh || step == KeyStep::kRefresh) {
    refresh_.Start();
    cache_.BeginRefresh(clock_.Now());
    plan.start = true;
  }
  const bool has_place = plan.start || places_.use_count() <= kMaxWaitingForKeys;
  if ((step == KeyStep::kRefresh || step == KeyStep::kWait) && has_place) {
    plan.wait = refresh_.Join();
    plan.place = places_;
  }
  return plan;
}

Task<void> IssuerKeys::Await(Plan plan, Deadline deadline) {
  if (plan.start) {
    Start(co_await asio::this_coro::executor);
  }
  if (plan.wait) {
    (void)co_await Refresh::Call::Wait(plan.wait, deadline);
  }
}

void IssuerKeys::Start(Executor executor) {
  auto self = shared_from_this();
  auto done = [self](std::exception_ptr failure, Result<jose::JwkSet> fetched) {
    if (failure) {
      fetched = MakeError(ErrorCode::kInternal, ErrorOrigin::kSelf, "the fetch threw");
    }
    self->Complete(std::move(fetched));
  };
  asio::co_spawn(executor,
                 FetchKeys(source_, fetch_, std::chrono::steady_clock::now() + kFetchTimeout),
                 std::move(done));
}

void IssuerKeys::Complete(Result<jose::JwkSet> fetched) {
  const KeyRefresh news{
      source_.issuer, fetched.has_value(), fetched ? std::string{} : fetched.error().message};
  std::shared_ptr<Refresh::Call> ended;
  {
    const std::lock_guard lock(mutex_);
    ended = refresh_.Complete();
    problem_ = news.message;
    cache_.EndRefresh(fetched ? std::optional(*std::move(fetched)) : std::nullopt, clock_.Now());
  }
  ended->Set(Done{});
  if (observer_) {
    observer_(news);
  }
}

Task<Result<IssuerKeys::Keys>> IssuerKeys::ForUse(Deadline deadline) {
  Plan plan;
  {
    const std::lock_guard lock(mutex_);
    const WallTime now = clock_.Now();
    plan = Follow(cache_.ForUse(now));
    auto usable = cache_.Usable(now);
    if (usable && !plan.wait && !plan.start) {
      co_return Keys{*std::move(usable), cache_.generation()};
    }
    if (usable) {
      deadline = std::min(deadline, std::chrono::steady_clock::now() + wait_with_old_keys_);
    }
  }
  co_await Await(std::move(plan), deadline);
  const std::lock_guard lock(mutex_);
  auto usable = cache_.Usable(clock_.Now());
  if (!usable) {
    co_return Unavailable();
  }
  co_return Keys{*std::move(usable), cache_.generation()};
}

Task<Result<std::optional<IssuerKeys::Keys>>> IssuerKeys::NewerThan(std::uint64_t seen,
                                                                    Deadline deadline) {
  Plan plan;
  {
    const std::lock_guard lock(mutex_);
    plan = Follow(cache_.ForUnknownKey(clock_.Now()));
  }
  co_await Await(std::move(plan), deadline);
  const std::lock_guard lock(mutex_);
  if (cache_.generation() != seen) {
    if (auto usable = cache_.Usable(clock_.Now())) {
      co_return std::optional(Keys{*std::move(usable), cache_.generation()});
    }
  }
  // The refresh is still under way or failed, so nobody knows whether the key exists.
  if (refresh_.under_way() || cache_.last_refresh_failed()) {
    co_return Unavailable();
  }
  co_return std::optional<Keys>{};
}

std::string IssuerKeys::problem() {
  const std::lock_guard lock(mutex_);
  return cache_.Usable(clock_.Now()) ? std::string() : problem_;
}

}  // namespace connector::broker::callers
