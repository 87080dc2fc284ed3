#include "broker/upstream_auth/minting_token_source.h"

#include "broker/upstream_auth/mint_admission.h"
#include "broker/upstream_auth/mint_metrics.h"
#include "broker/upstream_auth/token_cache.h"
#include "broker/upstream_auth/upstream_client.h"
#include "common/async/one_shot.h"
#include "common/resilience/random.h"
#include "common/resilience/single_flight.h"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <bit>
#include <mutex>
#include <optional>
#include <utility>

namespace connector::broker::upstream_auth {
namespace {

using TokenResult = Result<TokenPointer>;

// A token this close to its end is never handed out: it would expire on the way to the registry.
inline constexpr std::chrono::seconds kTooLate{1};

Error Stopping() {
  return MakeError(
      ErrorCode::kUnavailable, ErrorOrigin::kBroker, "the broker is shutting down", Retry::kSafe);
}

// The shortest time between two replacements of a leased credential. A client chooses the
// repository, and could otherwise cause a new lease with every refused request.
inline constexpr std::chrono::seconds kDiscardPause{30};
constexpr std::size_t kMaxDiscards = 16384;

// Errors after which an old token that is still valid is handed out. A refused credential is not
// one of them: its tokens should not be used any longer.
bool IsPassing(ErrorCode code) {
  return code == ErrorCode::kUnavailable || code == ErrorCode::kDeadlineExceeded ||
         code == ErrorCode::kResourceExhausted;
}

// As far as the Connector's text tells: names are judged when they are connected. Kinds that mint
// without a connection depend on this (docs/upstream-policy.md).
bool MayReachUpstream(const connectors::CatalogEntry& entry) {
  const resource::Connector& connector = *entry.connector;
  const std::optional<http::Url>& realm = connector.upstream.token_realm;
  return !routing::PolicyProblem(*entry.policy, connector.ref.ns, connector.address) &&
         !(realm && routing::PolicyProblem(*entry.policy, connector.ref.ns, realm->origin));
}

// Which repository the credential is for: of a mount, the one that is pushed to. Empty: of none.
std::string RepositoryOf(const std::vector<oci::Scope>& scopes) {
  const auto most = std::ranges::max_element(
      scopes, {}, [](const oci::Scope& scope) { return std::popcount(scope.actions.bits()); });
  return most == scopes.end() ? std::string() : most->repository;
}

using MintFlights = resilience::SingleFlightGroup<TokenCacheKey, TokenResult>;
using MintCall = resilience::SharedCall<TokenResult>;

// One mint under way.
struct Mint {
  TokenCacheKey key;
  std::shared_ptr<const connectors::CatalogEntry> entry;
  EndpointLimiter::Attempt attempt;
  bool shared = true;         // False when it serves only the caller that started it.
  bool store_failed = false;  // The store failed, so the token service was not contacted.
  std::shared_ptr<MintCall> call;
};

// What one mint returns.
struct MintResult {
  UpstreamToken token;
  bool keep = true;  // False when the secret changed during the mint.
};

class Source final : public MintingTokenSource {
 public:
  explicit Source(TokenSourceParts parts) : parts_(std::move(parts)), metrics_(parts_.metrics) {
    if (!parts_.now) {
      parts_.now = [] { return std::chrono::steady_clock::now(); };
    }
  }

  Task<TokenResult> Get(std::shared_ptr<const connectors::CatalogEntry> entry,
                        std::vector<oci::Scope> scopes,
                        std::string subject,
                        Deadline deadline) override {
    TokenCacheKey key = KeyOf(*entry, std::move(scopes));
    for (bool shared = true;; shared = false) {
      Step step = Next(entry, key, subject, shared);
      if (step.start != nullptr) {
        Start(step.start);
      }
      if (step.wait == nullptr) {
        co_return std::move(step.answer);
      }
      std::optional<TokenResult> result = co_await MintCall::Wait(step.wait, deadline);
      if (!result) {
        result = TokenResult(
            MakeError(ErrorCode::kDeadlineExceeded,
                      ErrorOrigin::kUpstream,
                      "no token for connector " + key.connector.ToString() + " came in time",
                      Retry::kSafe));
      }
      if (!*result) {
        co_return IsPassing(result->error().code) && step.answer ? std::move(step.answer)
                                                                 : *std::move(result);
      }
      // A single-use token serves one of the waiters; the others mint their own.
      if (!(**result)->single_use || step.wait->TakeOnce()) {
        co_return *std::move(result);
      }
    }
  }

  void Forget(const connectors::CatalogEntry& entry,
              const std::vector<oci::Scope>& scopes) override {
    // Here the registry refused the password itself. No token service is involved that would say
    // so.
    const std::optional<secrets::SecretRef> ref = secrets::RefOf(*entry.connector);
    if (ref && resource::ClassOf(entry.connector->auth.kind) == resource::SecretClass::kStatic) {
      static_cast<void>(Replaced(*ref, parts_.now()));
    }
    const TokenCacheKey key = KeyOf(entry, scopes);
    const std::lock_guard lock(mutex_);
    cache_.Erase(key);
    metrics_.SetEntries(cache_.size());
  }

  Task<Done> Stop() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      if (active_ == 0) {
        idle_->Set(Done{});
      }
    }
    co_await OneShot<Done>::Wait(idle_, std::chrono::steady_clock::now() + 2 * kMintTimeout);
    co_return Done{};
  }

 private:
  // What Get does next: start a mint if `start` is set, then wait for `wait`, or return `answer`.
  // When the mint that it waits for fails, it falls back to an `answer` with a token.
  struct Step {
    TokenResult answer = Error{};
    std::shared_ptr<Mint> start;
    std::shared_ptr<MintCall> wait;
  };

  static TokenCacheKey KeyOf(const connectors::CatalogEntry& entry,
                             std::vector<oci::Scope> scopes) {
    return {entry.connector->ref, entry.mint_key, Normalized(std::move(scopes))};
  }

  Step Next(const std::shared_ptr<const connectors::CatalogEntry>& entry,
            const TokenCacheKey& key,
            const std::string& subject,
            bool shared) {
    const WallTime now = parts_.clock.Now();
    const std::lock_guard lock(mutex_);
    Step step;
    if (stopping_) {
      step.answer = Stopping();
      return step;
    }
    const TokenCache::Found found = cache_.Find(key, now);
    if (found.token != nullptr && found.token->not_after - now > kTooLate) {
      step.answer = found.token;
    }
    // A fresh token may have no answer: its whole lifetime may be shorter than kTooLate.
    if (step.answer && found.freshness == Freshness::kFresh) {
      return step;
    }
    // A refresh runs in the background only while there is a token to return. Otherwise the caller
    // has to wait for it.
    const bool ahead = step.answer && found.freshness == Freshness::kRefresh;
    if (std::shared_ptr<MintCall> under_way = shared ? mints_.Join(key) : nullptr) {
      step.wait = ahead ? nullptr : std::move(under_way);
      return step;
    }
    EndpointLimiter::Attempt attempt{key.mint_key, subject, key.scopes, parts_.now()};
    if (std::optional<EndpointLimiter::Held> held = admission_.Admit(key.connector, attempt)) {
      metrics_.HeldBack(held->by);
      if (!step.answer || !(ahead || IsPassing(held->error.code))) {
        step.answer = std::move(held->error);
      }
      return step;
    }
    step.start = std::make_shared<Mint>();
    step.start->key = key;
    step.start->entry = entry;
    step.start->attempt = std::move(attempt);
    step.start->shared = shared;
    step.start->call = shared ? mints_.Start(key) : std::make_shared<MintCall>();
    step.wait = ahead ? nullptr : step.start->call;
    ++active_;
    return step;
  }

  // Never under the lock: a spawned coroutine may run at once, and would lock again.
  void Start(const std::shared_ptr<Mint>& mint) {
    auto complete = [this, mint](std::exception_ptr thrown, Result<MintResult> minted) {
      Complete(mint,
               thrown ? Result<MintResult>(MakeError(
                            ErrorCode::kInternal, ErrorOrigin::kSelf, "minting a token failed"))
                      : std::move(minted));
    };
    asio::co_spawn(parts_.executor, Run(mint), std::move(complete));
  }

  Task<Result<MintResult>> Run(std::shared_ptr<Mint> mint) {
    const Deadline deadline = std::chrono::steady_clock::now() + kMintTimeout;
    const std::optional<secrets::SecretRef> ref = secrets::RefOf(*mint->entry->connector);
    Result<MintResult> minted = co_await MintOnce(mint, ref, deadline);
    // Someone may have revoked a leased credential before its end. Try once with a new one.
    if (!minted && ref && RefusedUpstream(minted.error()) &&
        Replaced(*ref, mint->attempt.started)) {
      minted = co_await MintOnce(mint, ref, deadline);
    }
    co_return minted;
  }

  // Discards a leased credential. True when Fetch may now return another one than at `since`.
  bool Replaced(const secrets::SecretRef& ref, std::chrono::steady_clock::time_point since) {
    {
      const std::lock_guard lock(mutex_);
      const std::chrono::steady_clock::time_point now = parts_.now();
      if (const auto* const last = discarded_at_.Find(ref, now)) {
        return *last > since;
      }
      discarded_at_.Put(ref, now, {now, now + kDiscardPause});
    }
    return parts_.store.Discard(ref);
  }

  static bool RefusedUpstream(const Error& error) {
    return error.code == ErrorCode::kPermissionDenied && error.origin == ErrorOrigin::kUpstream;
  }

  Task<Result<MintResult>> MintOnce(std::shared_ptr<Mint> mint,
                                    std::optional<secrets::SecretRef> ref,
                                    Deadline deadline) {
    const connectors::CatalogEntry& entry = *mint->entry;
    const auto minter = parts_.minters.find(entry.connector->auth.kind);
    if (minter == parts_.minters.end()) {
      co_return MakeError(
          ErrorCode::kInternal,
          ErrorOrigin::kSelf,
          "this broker cannot mint for connector " + mint->key.connector.ToString());
    }
    if (!MayReachUpstream(entry)) {
      co_return NoConnection(entry.connector->address);
    }
    MintRequest request;
    request.connector = entry.connector;
    request.policy = entry.policy;
    request.ca_pem = entry.ca.pem();
    request.scopes = mint->key.scopes;
    MintResult minted;
    std::optional<WallTime> credential_ends;
    if (ref) {
      Result<secrets::StoredSecret> secret = co_await parts_.store.Fetch(*ref, deadline);
      if (!secret) {
        mint->store_failed = true;
        Error error = std::move(secret).error();
        error.origin = ErrorOrigin::kBroker;  // The registry did not cause this error.
        co_return error;
      }
      // docs/promises.md P6: a token of another version of the secret must not be found under this
      // one's key.
      minted.keep = secret->version == entry.secret_version;
      credential_ends = secret->not_after;
      Result<secrets::RegistryCredential> credential = secrets::ReadRegistryCredential(
          *ref, *secret, resource::WantedBy(*entry.connector), RepositoryOf(request.scopes));
      if (!credential) {
        co_return std::move(credential).error();
      }
      request.credential =
          std::make_shared<const secrets::RegistryCredential>(*std::move(credential));
    }
    Result<UpstreamToken> token = co_await minter->second->Mint(std::move(request), deadline);
    if (!token) {
      co_return std::move(token).error();
    }
    minted.token = *std::move(token);
    // A token ends with the lease of its credential (docs/rules.md "Token life").
    minted.token.not_after =
        std::min(minted.token.not_after, credential_ends.value_or(minted.token.not_after));
    co_return minted;
  }

  void Complete(const std::shared_ptr<Mint>& mint, Result<MintResult> minted) {
    const bool keep = !minted || minted->keep;
    TokenResult result =
        minted ? TokenResult(std::make_shared<const UpstreamToken>(std::move(minted->token)))
               : TokenResult(std::move(minted).error());
    const std::string_view name = !result                 ? ResultName(result.error().code)
                                  : (*result)->single_use ? "single_use"
                                                          : "ok";
    metrics_.Ended(name, parts_.now() - mint->attempt.started);
    Remember(*mint, result, keep);
    mint->call->Set(std::move(result));
    const std::shared_ptr<OneShot<Done>> idle = idle_;  // Stop may return, and this object die.
    bool stopped = false;
    {
      const std::lock_guard lock(mutex_);
      --active_;
      stopped = stopping_ && active_ == 0;
    }
    if (stopped) {
      idle->Set(Done{});
    }
  }

  void Remember(const Mint& mint, const TokenResult& result, bool keep) {
    const std::lock_guard lock(mutex_);
    EndpointLimiter& limiter = admission_.Ended(mint.key.connector, mint.attempt);
    if (!result && mint.store_failed && IsPassing(result.error().code)) {
      // The store has its own backoff. A second one here would only delay the first mint after the
      // store has recovered.
    } else if (!result) {
      limiter.Failed(mint.attempt, result.error(), parts_.now(), Random());
    } else {
      limiter.Succeeded(mint.attempt);
      if (keep) {
        cache_.Put(mint.key, *result, parts_.clock.Now(), Random());
      }
      if (!keep || (*result)->single_use) {
        cache_.KeepToTheEnd(mint.key);
      }
      metrics_.SetEntries(cache_.size());
    }
    if (mint.shared) {
      mints_.Complete(mint.key);
    }
  }

  // Under the lock.
  double Random() { return parts_.random ? parts_.random() : resilience::RandomFraction(); }

  TokenSourceParts parts_;
  MintMetrics metrics_;

  std::mutex mutex_;  // Guards all below; never held across co_await.
  bool stopping_ = false;
  std::size_t active_ = 0;
  TokenCache cache_;
  MintFlights mints_;
  resilience::ExpiringCache<secrets::SecretRef,
                            std::chrono::steady_clock::time_point,
                            std::chrono::steady_clock::time_point>
      discarded_at_{kMaxDiscards};
  MintAdmission admission_;
  std::shared_ptr<OneShot<Done>> idle_ = std::make_shared<OneShot<Done>>();
};

}  // namespace

std::unique_ptr<MintingTokenSource> MakeTokenSource(TokenSourceParts parts) {
  return std::make_unique<Source>(std::move(parts));
}

}  // namespace connector::broker::upstream_auth
