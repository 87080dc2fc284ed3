#include "broker/callers/oidc/oidc_verifier.h"

#include "broker/callers/key_cache.h"
#include "broker/callers/token_check.h"
#include "common/resilience/single_flight.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>

namespace connector::broker::callers {
namespace {

// What a refresh shares with the verifier, and keeps alive until it has ended.
class KeyRing : public std::enable_shared_from_this<KeyRing> {
 public:
  KeyRing(OidcOptions options, FetchDocument fetch, const Clock& clock)
      : source_(std::move(options.source)),
        fetch_(std::move(fetch)),
        observer_(std::move(options.on_refresh)),
        wait_with_old_keys_(options.wait_with_old_keys),
        clock_(clock) {}

  struct Keys {
    jose::JwkSet set;
    std::uint64_t generation = 0;
  };

  // The keys to check a token with.
  Task<Result<Keys>> ForUse(Deadline deadline);
  // Keys newer than `seen`, which lacked a key; no value when none can be fetched now.
  Task<Result<std::optional<Keys>>> NewerThan(std::uint64_t seen, Deadline deadline);

 private:
  using Refresh = resilience::SingleFlight<Done>;

  // What is left to do once the lock is released.
  struct Plan {
    std::shared_ptr<Refresh::Call> wait;
    bool start = false;
  };
  Plan Follow(KeyStep step);
  void Start(Executor executor);
  void Complete(Result<jose::JwkSet> fetched);
  Task<void> Await(Plan plan, Deadline deadline);
  [[nodiscard]] Error Unavailable() const;

  const KeySource source_;
  const FetchDocument fetch_;
  const KeyRefreshObserver observer_;
  const std::chrono::milliseconds wait_with_old_keys_;
  const Clock& clock_;

  std::mutex mutex_;
  KeyCache cache_;
  Refresh refresh_;
};

Error KeyRing::Unavailable() const {
  Error error = MakeError(ErrorCode::kUnavailable,
                          ErrorOrigin::kUpstream,
                          "the keys of issuer " + source_.issuer + " cannot be fetched",
                          Retry::kSafe);
  error.retry_after = kMinRefreshInterval;
  return error;
}

// Called with the lock held.
KeyRing::Plan KeyRing::Follow(KeyStep step) {
  Plan plan;
  if (step == KeyStep::kUseAndRefresh || step == KeyStep::kRefresh) {
    refresh_.Start();
    cache_.BeginRefresh(clock_.Now());
    plan.start = true;
  }
  if (step == KeyStep::kRefresh || step == KeyStep::kWait) {
    plan.wait = refresh_.Join();
  }
  return plan;
}

Task<void> KeyRing::Await(Plan plan, Deadline deadline) {
  if (plan.start) {
    Start(co_await asio::this_coro::executor);
  }
  if (plan.wait) {
    (void)co_await Refresh::Call::Wait(plan.wait, deadline);
  }
}

void KeyRing::Start(Executor executor) {
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

void KeyRing::Complete(Result<jose::JwkSet> fetched) {
  const KeyRefresh news{
      source_.issuer, fetched.has_value(), fetched ? std::string{} : fetched.error().message};
  std::shared_ptr<Refresh::Call> ended;
  {
    const std::lock_guard lock(mutex_);
    ended = refresh_.Complete();
    cache_.EndRefresh(fetched ? std::optional(*std::move(fetched)) : std::nullopt, clock_.Now());
  }
  ended->Set(Done{});
  if (observer_) {
    observer_(news);
  }
}

Task<Result<KeyRing::Keys>> KeyRing::ForUse(Deadline deadline) {
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

Task<Result<std::optional<KeyRing::Keys>>> KeyRing::NewerThan(std::uint64_t seen,
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

class OidcVerifier final : public CallerVerifier {
 public:
  OidcVerifier(TokenRules rules, std::shared_ptr<KeyRing> keys, const Clock& clock)
      : rules_(std::move(rules)), keys_(std::move(keys)), clock_(clock) {}

  Task<Result<Caller>> Verify(const UnverifiedToken& token, Deadline deadline) override {
    const auto keys = co_await keys_->ForUse(deadline);
    if (!keys) {
      co_return keys.error();
    }
    const std::string_view bytes = token.UncheckedBytes().Reveal();
    auto caller = CheckToken(bytes, keys->set, rules_, clock_.Now());
    if (caller || caller.error().code != ErrorCode::kNotFound) {
      co_return caller;
    }
    const auto newer = co_await keys_->NewerThan(keys->generation, deadline);
    if (!newer) {
      co_return newer.error();
    }
    if (*newer) {
      caller = CheckToken(bytes, (*newer)->set, rules_, clock_.Now());
    }
    if (!caller) {
      co_return AsUnauthenticated(std::move(caller).error());
    }
    co_return caller;
  }

 private:
  const TokenRules rules_;
  const std::shared_ptr<KeyRing> keys_;
  const Clock& clock_;
};

}  // namespace

Result<std::unique_ptr<CallerVerifier>> MakeOidcVerifier(OidcOptions options,
                                                         FetchDocument fetch,
                                                         const Clock& clock) {
  const auto refuse = [&](const std::string& why) {
    return MakeError(ErrorCode::kInvalidArgument,
                     ErrorOrigin::kSelf,
                     "issuer \"" + options.source.issuer + "\": " + why);
  };
  if (options.audience.empty()) {
    return refuse("no audience");
  }
  if (const auto url = DiscoveryUrl(options.source.issuer, options.source.allow_insecure); !url) {
    return refuse(url.error().message);
  }
  if (options.source.jwks_uri && !options.source.jwks_uri->origin.tls &&
      !options.source.allow_insecure) {
    return refuse("jwks_uri is an http URL; use https, or allow_insecure for development");
  }
  TokenRules rules{
      options.source.issuer,
      std::move(options.audience),
      options.kubernetes ? SubjectRule::kAlwaysServiceAccount : SubjectRule::kNeverServiceAccount};
  auto ring = std::make_shared<KeyRing>(std::move(options), std::move(fetch), clock);
  return std::unique_ptr<CallerVerifier>(
      std::make_unique<OidcVerifier>(std::move(rules), std::move(ring), clock));
}

}  // namespace connector::broker::callers
