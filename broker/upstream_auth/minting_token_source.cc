#include "broker/upstream_auth/minting_token_source.h"

#include "broker/upstream_auth/endpoint_gate.h"
#include "broker/upstream_auth/mint_metrics.h"
#include "broker/upstream_auth/token_cache.h"
#include "common/async/one_shot.h"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <random>
#include <utility>

namespace connector::broker::upstream_auth {
namespace {

using TokenResult = Result<TokenPointer>;

// A token this close to its end is not worth handing out even when no other can be had.
inline constexpr std::chrono::seconds kTooLate{1};

Error Stopping() {
  return MakeError(
      ErrorCode::kUnavailable, ErrorOrigin::kBroker, "the broker is shutting down", Retry::kSafe);
}

// Leased credentials are replaced no faster than this, whatever the registry refuses: which
// repository is asked for is the client's choice.
inline constexpr std::chrono::seconds kDiscardPause{30};

// Errors after which an old token that is still alive is better than none. A refused credential is
// not one of them.
bool IsPassing(ErrorCode code) {
  return code == ErrorCode::kUnavailable || code == ErrorCode::kDeadlineExceeded ||
         code == ErrorCode::kResourceExhausted;
}

// One mint under way.
struct Flight {
  TokenCacheKey key;
  std::shared_ptr<const connectors::CatalogEntry> entry;
  EndpointGate::Attempt attempt;
  bool shared = true;              // False when it serves the one caller that started it.
  std::atomic<bool> taken{false};  // Whether a single-use token was given away.
  bool store_failed = false;       // The token service was not even asked.
  std::shared_ptr<OneShot<TokenResult>> done = std::make_shared<OneShot<TokenResult>>();
};

// What one mint returns.
struct MintResult {
  UpstreamToken token;
  bool keep = true;  // False when the secret changed during the mint.
};

class Source final : public MintingTokenSource {
 public:
  explicit Source(TokenSourceParts parts)
      : parts_(std::move(parts)), metrics_(parts_.metrics), generator_(std::random_device{}()) {
    if (!parts_.now) {
      parts_.now = [] { return std::chrono::steady_clock::now(); };
    }
  }

  Task<TokenResult> Get(std::shared_ptr<const connectors::CatalogEntry> entry,
                        std::vector<oci::Scope> scopes,
                        Deadline deadline) override {
    TokenCacheKey key = KeyOf(*entry, std::move(scopes));
    for (bool shared = true;; shared = false) {
      Step step = Next(entry, key, shared);
      if (step.start != nullptr) {
        Start(step.start);
      }
      if (step.wait == nullptr) {
        co_return std::move(step.answer);
      }
      std::optional<TokenResult> result =
          co_await OneShot<TokenResult>::Wait(step.wait->done, deadline);
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
      if (!(**result)->single_use || !step.wait->taken.exchange(true)) {
        co_return *std::move(result);
      }
    }
  }

  void Forget(const connectors::CatalogEntry& entry,
              const std::vector<oci::Scope>& scopes) override {
    // The password itself was refused, which no token service will tell us.
    const std::optional<secrets::SecretRef> ref = secrets::RefOf(*entry.connector);
    if (ref && entry.connector->auth.kind == resource::AuthKind::kBasicAuth) {
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
  // What a caller does next: start a flight or not; then wait for one, or take the answer. While it
  // waits, an answer with a value is what it falls back to.
  struct Step {
    TokenResult answer = Error{};
    std::shared_ptr<Flight> start;
    std::shared_ptr<Flight> wait;
  };

  static TokenCacheKey KeyOf(const connectors::CatalogEntry& entry,
                             std::vector<oci::Scope> scopes) {
    return {entry.connector->ref, entry.mint_key, Normalized(std::move(scopes))};
  }

  Step Next(const std::shared_ptr<const connectors::CatalogEntry>& entry,
            const TokenCacheKey& key,
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
    // A token that never lived longer than kTooLate is fresh and yet of no use.
    if (step.answer && found.freshness == Freshness::kFresh) {
      return step;
    }
    // Only behind an answer: one that is too short to be given out has to be waited for.
    const bool ahead = step.answer && found.freshness == Freshness::kRefresh;
    if (const auto flying = flights_.find(key); shared && flying != flights_.end()) {
      step.wait = ahead ? nullptr : flying->second;
      return step;
    }
    EndpointGate::Attempt attempt{key.mint_key, key.scopes, parts_.now()};
    if (std::optional<Error> held = GateOf(key).Admit(attempt)) {
      metrics_.HeldBack();
      if (!step.answer || !(ahead || IsPassing(held->code))) {
        step.answer = *std::move(held);
      }
      return step;
    }
    step.start = std::make_shared<Flight>();
    step.start->key = key;
    step.start->entry = entry;
    step.start->attempt = std::move(attempt);
    step.start->shared = shared;
    step.wait = ahead ? nullptr : step.start;
    if (shared) {
      flights_.emplace(key, step.start);
    }
    ++active_;
    return step;
  }

  // Never under the lock: a spawned coroutine may run at once.
  void Start(const std::shared_ptr<Flight>& flight) {
    auto land = [this, flight](std::exception_ptr thrown, Result<MintResult> minted) {
      Land(flight,
           thrown ? Result<MintResult>(MakeError(
                        ErrorCode::kInternal, ErrorOrigin::kSelf, "minting a token failed"))
                  : std::move(minted));
    };
    asio::co_spawn(parts_.executor, Fly(flight), std::move(land));
  }

  Task<Result<MintResult>> Fly(std::shared_ptr<Flight> flight) {
    const Deadline deadline = std::chrono::steady_clock::now() + kMintTimeout;
    const std::optional<secrets::SecretRef> ref = secrets::RefOf(*flight->entry->connector);
    Result<MintResult> minted = co_await MintOnce(flight, ref, deadline);
    // A credential that the store made for us may be gone before its lease says so.
    if (!minted && ref && RefusedUpstream(minted.error()) &&
        Replaced(*ref, flight->attempt.started)) {
      minted = co_await MintOnce(flight, ref, deadline);
    }
    co_return minted;
  }

  // Gives a leased credential up. True when a Fetch may have another one than there was at `since`.
  bool Replaced(const secrets::SecretRef& ref, std::chrono::steady_clock::time_point since) {
    {
      const std::lock_guard lock(mutex_);
      const auto [last, first] = discarded_at_.try_emplace(ref, parts_.now());
      if (!first && parts_.now() - last->second < kDiscardPause) {
        return last->second > since;
      }
      last->second = parts_.now();
    }
    return parts_.store.Discard(ref);
  }

  static bool RefusedUpstream(const Error& error) {
    return error.code == ErrorCode::kPermissionDenied && error.origin == ErrorOrigin::kUpstream;
  }

  Task<Result<MintResult>> MintOnce(std::shared_ptr<Flight> flight,
                                    std::optional<secrets::SecretRef> ref,
                                    Deadline deadline) {
    const connectors::CatalogEntry& entry = *flight->entry;
    const auto minter = parts_.minters.find(entry.connector->auth.kind);
    if (minter == parts_.minters.end()) {
      co_return MakeError(
          ErrorCode::kInternal,
          ErrorOrigin::kSelf,
          "this broker cannot mint for connector " + flight->key.connector.ToString());
    }
    MintRequest request;
    request.connector = entry.connector;
    request.ca_pem = entry.ca_pem;
    request.scopes = flight->key.scopes;
    MintResult minted;
    std::optional<WallTime> credential_ends;
    if (ref) {
      Result<secrets::StoredSecret> secret = co_await parts_.store.Fetch(*ref, deadline);
      if (!secret) {
        flight->store_failed = true;
        Error error = std::move(secret).error();
        error.origin = ErrorOrigin::kBroker;  // Not the registry's doing, whoever the store asked.
        co_return error;
      }
      // docs/promises.md P6: a token of another version of the secret must not be found under this
      // one's key.
      minted.keep = secret->version == entry.secret_version;
      credential_ends = secret->not_after;
      Result<secrets::RegistryCredential> credential =
          secrets::ReadRegistryCredential(*ref, *secret, entry.connector->address.Authority());
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
    // What was made of a lease does not outlive it.
    minted.token.not_after =
        std::min(minted.token.not_after, credential_ends.value_or(minted.token.not_after));
    co_return minted;
  }

  void Land(const std::shared_ptr<Flight>& flight, Result<MintResult> minted) {
    const bool keep = !minted || minted->keep;
    TokenResult result =
        minted ? TokenResult(std::make_shared<const UpstreamToken>(std::move(minted->token)))
               : TokenResult(std::move(minted).error());
    const std::string_view name = !result                 ? ResultName(result.error().code)
                                  : (*result)->single_use ? "single_use"
                                                          : "ok";
    metrics_.Ended(name, parts_.now() - flight->attempt.started);
    Remember(*flight, result, keep);
    flight->done->Set(std::move(result));
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

  void Remember(const Flight& flight, const TokenResult& result, bool keep) {
    const std::lock_guard lock(mutex_);
    EndpointGate& gate = GateOf(flight.key);
    if (!result && flight.store_failed && IsPassing(result.error().code)) {
      // The store paces its own requests and knows when it is back; a backoff of ours would only
      // delay the first mint after that.
    } else if (!result) {
      gate.Failed(flight.attempt, result.error(), parts_.now(), Random());
    } else {
      gate.Succeeded(flight.attempt);
      if (keep) {
        cache_.Put(flight.key, *result, parts_.clock.Now(), Random());
      }
      if (!keep || (*result)->single_use) {
        cache_.KeepToTheEnd(flight.key);
      }
      metrics_.SetEntries(cache_.size());
    }
    if (flight.shared) {
      flights_.erase(flight.key);
    }
  }

  EndpointGate& GateOf(const TokenCacheKey& key) {
    return gates_.try_emplace(key.connector, key.connector.ToString()).first->second;
  }

  // Under the lock.
  double Random() {
    return parts_.random ? parts_.random()
                         : std::uniform_real_distribution<double>(0, 1)(generator_);
  }

  TokenSourceParts parts_;
  MintMetrics metrics_;

  std::mutex mutex_;  // Guards all below; never held across co_await.
  bool stopping_ = false;
  std::size_t active_ = 0;
  std::mt19937 generator_;
  TokenCache cache_;
  std::map<TokenCacheKey, std::shared_ptr<Flight>> flights_;
  std::map<secrets::SecretRef, std::chrono::steady_clock::time_point> discarded_at_;
  std::map<ConnectorRef, EndpointGate> gates_;  // As many as there ever were connectors.
  std::shared_ptr<OneShot<Done>> idle_ = std::make_shared<OneShot<Done>>();
};

}  // namespace

std::unique_ptr<MintingTokenSource> MakeTokenSource(TokenSourceParts parts) {
  return std::make_unique<Source>(std::move(parts));
}

}  // namespace connector::broker::upstream_auth
