#pragma once

// The times of Vault's circuit breakers: one stands before all of Vault, one before each path and
// one before the login (common/resilience/circuit_breaker.h).

#include "common/resilience/circuit_breaker.h"

#include <chrono>

namespace connector::broker::secrets {

inline constexpr std::chrono::milliseconds kLongestVaultBackoff{5000};
inline constexpr resilience::CircuitBreakerOptions kVaultBreaker{
    .backoff = {std::chrono::milliseconds(250), kLongestVaultBackoff},
    .longest_retry_after = std::chrono::seconds(60)};

}  // namespace connector::broker::secrets
