#include "broker/upstream_auth/endpoint_limiter.h"

#include <algorithm>
#include <utility>

namespace connector::broker::upstream_auth {
namespace {

bool IsRefusal(ErrorCode code) {
  return code == ErrorCode::kPermissionDenied || code == ErrorCode::kInvalidArgument ||
         code == ErrorCode::kNotFound;
}

std::optional<Error> HeldBackBy(resilience::CircuitBreaker& breaker, EndpointLimiter::Time now) {
  std::optional<resilience::CircuitBreaker::Held> held = breaker.Admit(now);
  return held ? std::optional(std::move(held->error)) : std::nullopt;
}

}  // namespace

Error EndpointLimiter::ShareUsedUp(const char* of_what) const {
  Error error = MakeError(
      ErrorCode::kResourceExhausted,
      ErrorOrigin::kSelf,
      std::string("this caller has its share of the ") + of_what + " for connector " + name_,
      Retry::kSafe);
  error.retry_after = std::chrono::seconds{1};
  return error;
}

std::optional<Error> EndpointLimiter::HeldByFailure(const Attempt& attempt) {
  const Time now = attempt.started;
  if (const Refusal* const refusal = refusals_.Find(attempt.scopes, now)) {
    Error error = refusal->error;
    error.retry_after = std::chrono::ceil<std::chrono::seconds>(refusal->until - now);
    return error;
  }
  if (resilience::CircuitBreaker* const breaker = scopes_.FindAny(attempt.scopes)) {
    if (std::optional<Error> held = HeldBackBy(*breaker, now)) {
      return held;
    }
  }
  if (SubjectFailures* const failures = subjects_.FindAny(attempt.subject)) {
    if (std::optional<Error> held = HeldBackBy(failures->breaker, now)) {
      return held;
    }
  }
  return HeldBackBy(breaker_, now);
}

std::optional<EndpointLimiter::Held> EndpointLimiter::Admit(const Attempt& attempt) {
  if (attempt.mint_key != mint_key_) {
    mint_key_ = attempt.mint_key;
    refusals_.Clear();
    scopes_.Clear();
    subjects_.Clear();
    witnesses_.clear();
    breaker_.Succeeded();
  }
  if (std::optional<Error> error = HeldByFailure(attempt)) {
    return Held{HeldBy::kFailure, *std::move(error)};
  }
  using Answer = resilience::SharedBudget<std::string>::Answer;
  if (under_way_.Take(attempt.subject) != Answer::kTaken) {
    return Held{HeldBy::kUnderWay, ShareUsedUp("token requests under way")};
  }
  if (!rate_.Take(attempt.subject, attempt.started)) {
    Ended(attempt);
    return Held{HeldBy::kRate, ShareUsedUp("token requests per second")};
  }
  return std::nullopt;
}

void EndpointLimiter::Succeeded(const Attempt& attempt) {
  if (attempt.mint_key != mint_key_) {
    return;
  }
  refusals_.Erase(attempt.scopes);
  scopes_.Erase(attempt.scopes);
  subjects_.Erase(attempt.subject);
  witnesses_.clear();
  breaker_.Succeeded();
}

void EndpointLimiter::Failed(const Attempt& attempt, const Error& error, Time now, double random) {
  if (attempt.mint_key != mint_key_) {
    return;
  }
  if (IsRefusal(error.code)) {
    const Time until = now + kRefusalMemory;
    refusals_.Put(attempt.scopes, {error, until}, {now, until});
    remembers_until_ = std::max(remembers_until_, until);
    return;
  }
  FailScopes(attempt, error, now, random);
  FailSubject(attempt, error, now, random);
  FailConnector(attempt, error, now, random);
}

EndpointLimiter::Time EndpointLimiter::Remembered(const resilience::CircuitBreaker& breaker,
                                                  Time now) {
  const Time until = std::max(now, breaker.until()) + kFailureMemory;
  remembers_until_ = std::max(remembers_until_, until);
  return until;
}

void EndpointLimiter::FailScopes(const Attempt& attempt,
                                 const Error& error,
                                 Time now,
                                 double random) {
  const resilience::CircuitBreaker* const known = scopes_.Find(attempt.scopes, now);
  resilience::CircuitBreaker breaker =
      known != nullptr ? *known : resilience::CircuitBreaker(kScopeBreaker);
  breaker.Failed(error, attempt.started, now, random);
  const Time until = Remembered(breaker, now);
  scopes_.Put(attempt.scopes, std::move(breaker), {Time::min(), until});
}

void EndpointLimiter::FailSubject(const Attempt& attempt,
                                  const Error& error,
                                  Time now,
                                  double random) {
  const SubjectFailures* const known = subjects_.Find(attempt.subject, now);
  SubjectFailures failures = known != nullptr ? *known : SubjectFailures();
  const bool counted = std::find(failures.scopes.begin(), failures.scopes.end(), attempt.scopes) !=
                       failures.scopes.end();
  if (!counted && failures.scopes.size() < kSeveral) {
    failures.scopes.push_back(attempt.scopes);
  }
  if (failures.scopes.size() >= kSeveral) {
    failures.breaker.Failed(error, attempt.started, now, random);
  }
  const Time until = Remembered(failures.breaker, now);
  subjects_.Put(attempt.subject, std::move(failures), {Time::min(), until});
}

void EndpointLimiter::FailConnector(const Attempt& attempt,
                                    const Error& error,
                                    Time now,
                                    double random) {
  std::erase_if(witnesses_, [&](const Witness& witness) {
    return witness.at + kFailureMemory <= now ||
           (witness.subject == attempt.subject && witness.scopes == attempt.scopes);
  });
  const bool another =
      std::none_of(witnesses_.begin(), witnesses_.end(), [&](const Witness& witness) {
        return witness.subject == attempt.subject || witness.scopes == attempt.scopes;
      });
  if (another && witnesses_.size() < kSeveral) {
    witnesses_.push_back({attempt.subject, attempt.scopes, now});
  }
  if (witnesses_.size() >= kSeveral) {
    breaker_.Failed(error, attempt.started, now, random);
    static_cast<void>(Remembered(breaker_, now));
  }
}

bool EndpointLimiter::Idle(Time now) {
  return now >= remembers_until_ && under_way_.taken() == 0 && rate_.Full(now);
}

}  // namespace connector::broker::upstream_auth
