#pragma once

// EndpointLimiter: when the token endpoint of one connector may be asked again. A circuit breaker
// after failures of the endpoint, a short memory of refusals, and a rate limit. Pure: no clock, no
// lock.
//
// An endpoint that fails holds back every scope; a refusal holds back only the scopes that were
// refused, because a service may refuse one repository (a client chooses it) and serve the others.

#include "broker/upstream_auth/upstream_status.h"
#include "common/base/result.h"
#include "common/oci/reference.h"
#include "common/resilience/circuit_breaker.h"
#include "common/resilience/expiring_cache.h"
#include "common/resilience/token_bucket.h"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace connector::broker::upstream_auth {

// Once the endpoint may be asked again, all scopes may ask: each asks for something else.
inline constexpr resilience::CircuitBreakerOptions kEndpointBreaker{
    .backoff = {std::chrono::milliseconds(500), std::chrono::milliseconds(30'000)},
    .longest_retry_after = kLongestRetryAfter,
    .one_probe = false};
inline constexpr std::chrono::seconds kRefusalMemory{5};
inline constexpr std::size_t kMaxRefusals = 1024;
inline constexpr double kMintsPerSecond = 50;
inline constexpr double kMintBurst = 200;

class EndpointLimiter {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Scopes = std::vector<oci::Scope>;

  // `name` is for messages.
  explicit EndpointLimiter(std::string name) : name_(std::move(name)) {}

  // One wish to mint, and its time.
  struct Attempt {
    std::string mint_key;
    Scopes scopes;
    Time started;
  };

  // Nullopt: go and ask; one mint of the rate was taken. Else the answer for the caller: what went
  // wrong last, with retry_after. A mint_key other than the last one's (the secret was rotated, the
  // connector changed) forgets failures, but not the rate.
  [[nodiscard]] std::optional<Error> Admit(const Attempt& attempt);

  // How an admitted attempt ended. Ignored when the mint_key has changed meanwhile: an old secret's
  // refusal says nothing about the new one. Attempts that overlapped an earlier failure do not
  // lengthen the wait again. `random` is in [0, 1).
  void Succeeded(const Attempt& attempt);
  void Failed(const Attempt& attempt, const Error& error, Time now, double random);

 private:
  struct Refusal {
    Error error;
    Time until;
  };

  std::string name_;
  std::string mint_key_;
  resilience::CircuitBreaker breaker_{kEndpointBreaker};
  resilience::ExpiringCache<Scopes, Refusal, Time> refusals_{kMaxRefusals};
  resilience::TokenBucket rate_{kMintsPerSecond, kMintBurst};
};

}  // namespace connector::broker::upstream_auth
