#include "common/resilience/circuit_breaker.h"

#include <algorithm>

namespace connector::resilience {

std::optional<CircuitBreaker::Held> CircuitBreaker::Admit(Time now) {
  if (failures_ == 0) {
    return std::nullopt;
  }
  if (now >= until_ && (!options_.one_probe || now >= probe_until_)) {
    probe_until_ = now + options_.longest_probe;
    return std::nullopt;
  }
  Held held{error_, NextTry(now), failures_};
  held.error.retry_after = std::chrono::ceil<std::chrono::seconds>(held.until - now);
  return held;
}

CircuitBreaker::Time CircuitBreaker::NextTry(Time now) const {
  const bool probing = options_.one_probe && now < probe_until_;
  return probing ? std::max(until_, now + options_.probe_pause) : until_;
}

bool CircuitBreaker::Succeeded() {
  const bool was_failing = failures_ > 0;
  failures_ = 0;
  until_ = Time();
  Abandoned();
  return was_failing;
}

void CircuitBreaker::Failed(const Error& error, Time started, Time now, double random) {
  error_ = error;
  Time until = now + std::min(error.retry_after, options_.longest_retry_after);
  if (failures_ == 0 || started > failed_at_) {
    Abandoned();
    ++failures_;
    failed_at_ = now;
    until = std::max(until, now + BackoffAfter(options_.backoff, failures_, random));
  }
  until_ = std::max(until_, until);
}

}  // namespace connector::resilience
