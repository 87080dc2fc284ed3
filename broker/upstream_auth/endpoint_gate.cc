#include "broker/upstream_auth/endpoint_gate.h"

#include <algorithm>

namespace connector::broker::upstream_auth {
namespace {

bool IsRefusal(ErrorCode code) {
  return code == ErrorCode::kPermissionDenied || code == ErrorCode::kInvalidArgument ||
         code == ErrorCode::kNotFound;
}

}  // namespace

std::optional<Error> EndpointGate::Admit(const Attempt& attempt) {
  const Time now = attempt.started;
  if (attempt.mint_key != mint_key_) {
    mint_key_ = attempt.mint_key;
    failures_ = 0;
    backoff_.reset();
    refusals_.clear();
  }
  const auto refusal = refusals_.find(attempt.scopes);
  const Held* held = backoff_ ? &*backoff_ : nullptr;
  if (refusal != refusals_.end() && refusal->second.until > now) {
    held = &refusal->second;
  }
  if (held != nullptr && held->until > now) {
    Error error = held->error;
    error.retry_after = std::chrono::ceil<std::chrono::seconds>(held->until - now);
    return error;
  }
  if (!TakeFromRate(now)) {
    Error error = MakeError(ErrorCode::kResourceExhausted,
                            ErrorOrigin::kSelf,
                            "too many tokens are asked for connector " + name_ + " at once",
                            Retry::kSafe);
    error.retry_after = std::chrono::seconds{1};
    return error;
  }
  return std::nullopt;
}

bool EndpointGate::TakeFromRate(Time now) {
  const double passed = std::chrono::duration<double>(now - rate_at_).count();
  rate_left_ = std::min(kMintBurst, rate_left_ + passed * kMintsPerSecond);
  rate_at_ = now;
  if (rate_left_ < 1) {
    return false;
  }
  rate_left_ -= 1;
  return true;
}

void EndpointGate::Succeeded(const Attempt& attempt) {
  if (attempt.mint_key == mint_key_) {
    failures_ = 0;
    backoff_.reset();
    refusals_.erase(attempt.scopes);
  }
}

void EndpointGate::Failed(const Attempt& attempt, const Error& error, Time now, double random) {
  if (attempt.mint_key != mint_key_) {
    return;
  }
  if (IsRefusal(error.code)) {
    std::erase_if(refusals_, [now](const auto& item) { return item.second.until <= now; });
    if (refusals_.size() >= kMaxRefusals) {
      refusals_.clear();
    }
    refusals_.insert_or_assign(attempt.scopes, Held{error, now + kRefusalMemory});
    return;
  }
  Time until = now + error.retry_after;
  if (failures_ == 0 || attempt.started > failed_at_) {
    const auto most = std::min(kLongestBackoff, kFirstBackoff * (1U << std::min(failures_, 10U)));
    until =
        std::max(until, now + std::chrono::duration_cast<std::chrono::milliseconds>(most * random));
    ++failures_;
    failed_at_ = now;
  }
  backoff_ = Held{error, backoff_ ? std::max(backoff_->until, until) : until};
}

}  // namespace connector::broker::upstream_auth
