#include "broker/upstream_auth/endpoint_limiter.h"

namespace connector::broker::upstream_auth {
namespace {

bool IsRefusal(ErrorCode code) {
  return code == ErrorCode::kPermissionDenied || code == ErrorCode::kInvalidArgument ||
         code == ErrorCode::kNotFound;
}

}  // namespace

std::optional<Error> EndpointLimiter::Admit(const Attempt& attempt) {
  const Time now = attempt.started;
  if (attempt.mint_key != mint_key_) {
    mint_key_ = attempt.mint_key;
    breaker_.Succeeded();
    refusals_.Clear();
  }
  if (const Refusal* const refusal = refusals_.Find(attempt.scopes, now)) {
    Error error = refusal->error;
    error.retry_after = std::chrono::ceil<std::chrono::seconds>(refusal->until - now);
    return error;
  }
  if (std::optional<resilience::CircuitBreaker::Held> held = breaker_.Admit(now)) {
    return std::move(held->error);
  }
  if (!rate_.Take(now)) {
    Error error = MakeError(ErrorCode::kResourceExhausted,
                            ErrorOrigin::kSelf,
                            "too many tokens are asked for connector " + name_ + " at once",
                            Retry::kSafe);
    error.retry_after = std::chrono::seconds{1};
    return error;
  }
  return std::nullopt;
}

void EndpointLimiter::Succeeded(const Attempt& attempt) {
  if (attempt.mint_key == mint_key_) {
    breaker_.Succeeded();
    refusals_.Erase(attempt.scopes);
  }
}

void EndpointLimiter::Failed(const Attempt& attempt, const Error& error, Time now, double random) {
  if (attempt.mint_key != mint_key_) {
    return;
  }
  if (IsRefusal(error.code)) {
    const Time until = now + kRefusalMemory;
    refusals_.Put(attempt.scopes, {error, until}, {now, until});
    return;
  }
  breaker_.Failed(error, attempt.started, now, random);
}

}  // namespace connector::broker::upstream_auth
