#pragma once

// EndpointLimiter: when the token endpoint of one connector may be asked again. It remembers
// failures and refusals, and divides a rate and the mints under way by caller. Pure: no clock, no
// lock.
//
// A caller chooses the repository, and with it what a service fails for. So a failure holds back
// its scopes alone; several scopes of one subject that fail hold back that subject; several scopes
// of different subjects, while nobody succeeds, hold back the connector. A refusal never holds back
// more than its scopes.

#include "broker/upstream_auth/upstream_status.h"
#include "common/base/result.h"
#include "common/oci/reference.h"
#include "common/resilience/circuit_breaker.h"
#include "common/resilience/expiring_cache.h"
#include "common/resilience/shared_budget.h"
#include "common/resilience/shared_rate.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace connector::broker::upstream_auth {

// Once it may be asked again, all who are held back may ask: each asks for something else.
inline constexpr resilience::CircuitBreakerOptions kScopeBreaker{
    .backoff = {std::chrono::milliseconds(500), std::chrono::milliseconds(30'000)},
    .longest_retry_after = kLongestRetryAfter,
    .one_probe = false};
// What a service says of some scopes, it says of them: it holds back all others no longer than a
// failure would.
inline constexpr resilience::CircuitBreakerOptions kWideBreaker{
    .backoff = kScopeBreaker.backoff,
    .longest_retry_after = std::chrono::seconds(30),
    .one_probe = false};
inline constexpr std::size_t kSeveral = 3;
inline constexpr std::chrono::seconds kRefusalMemory{5};
// How long after its wait a failure still counts: the next wait is longer.
inline constexpr std::chrono::seconds kFailureMemory{60};
inline constexpr std::size_t kMaxRemembered = 1024;  // Of each: refusals, scopes, subjects.
inline constexpr double kMintsPerSecond = 50;
// Of one subject: each of its mints is a record on the audit log's disk, about half a mebibyte a
// minute.
inline constexpr double kMintsPerSecondOfSubject = 15;
inline constexpr double kMintBurst = 200;
inline constexpr std::uint64_t kMaxMintsUnderWay = 200;
// A subject may have so many times what is free: alone seven eighths (docs/rules.md "Budgets").
inline constexpr std::uint64_t kSubjectWeight = 7;

class EndpointLimiter {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Scopes = std::vector<oci::Scope>;

  // `name` is for messages.
  explicit EndpointLimiter(std::string name) : name_(std::move(name)) {}

  // One wish to mint, and its time.
  struct Attempt {
    std::string mint_key;
    std::string subject;  // Who wants it; empty for the broker itself.
    Scopes scopes;
    Time started;
  };

  enum class HeldBy : std::uint8_t { kFailure, kRate, kUnderWay };
  struct Held {
    HeldBy by = HeldBy::kFailure;
    Error error;  // What went wrong last, or which share is used up; with retry_after.
  };

  // Nullopt: go and ask, then call Ended; one mint of the subject's rate was taken. A mint_key
  // other than the last one's (the secret was rotated, the connector changed) forgets failures, but
  // neither the rate nor what is under way.
  [[nodiscard]] std::optional<Held> Admit(const Attempt& attempt);

  // An admitted attempt is over, whatever came of it.
  void Ended(const Attempt& attempt) { under_way_.GiveBack(attempt.subject); }

  // How an admitted attempt ended. Ignored when the mint_key has changed meanwhile: an old secret's
  // refusal says nothing about the new one. Attempts that overlapped an earlier failure do not
  // lengthen the wait again. `random` is in [0, 1).
  void Succeeded(const Attempt& attempt);
  void Failed(const Attempt& attempt, const Error& error, Time now, double random);

  // Whether a new limiter would do as well.
  [[nodiscard]] bool Idle(Time now);

 private:
  struct Refusal {
    Error error;
    Time until;
  };
  struct SubjectFailures {
    std::vector<Scopes> scopes;  // Up to kSeveral.
    resilience::CircuitBreaker breaker{kWideBreaker};
  };
  struct Witness {
    std::string subject;
    Scopes scopes;
    Time at;
  };

  [[nodiscard]] std::optional<Error> HeldByFailure(const Attempt& attempt);
  [[nodiscard]] Error ShareUsedUp(const char* of_what) const;
  void FailScopes(const Attempt& attempt, const Error& error, Time now, double random);
  void FailSubject(const Attempt& attempt, const Error& error, Time now, double random);
  void FailConnector(const Attempt& attempt, const Error& error, Time now, double random);
  // Until when a failure is remembered.
  [[nodiscard]] Time Remembered(const resilience::CircuitBreaker& breaker, Time now);

  std::string name_;
  std::string mint_key_;
  resilience::ExpiringCache<Scopes, Refusal, Time> refusals_{kMaxRemembered};
  resilience::ExpiringCache<Scopes, resilience::CircuitBreaker, Time> scopes_{kMaxRemembered};
  resilience::ExpiringCache<std::string, SubjectFailures, Time> subjects_{kMaxRemembered};
  // Failures since anybody succeeded: each of another subject and of other scopes. Up to kSeveral.
  std::vector<Witness> witnesses_;
  resilience::CircuitBreaker breaker_{kWideBreaker};
  Time remembers_until_;
  resilience::SharedRate<std::string> rate_{
      kMintsPerSecond, kMintBurst, kSubjectWeight, kMintsPerSecondOfSubject};
  resilience::SharedBudget<std::string> under_way_{kMaxMintsUnderWay, 0, kSubjectWeight};
};

}  // namespace connector::broker::upstream_auth
