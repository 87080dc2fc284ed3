#pragma once

// The keys that data planes seal upload sessions with (docs/rules.md "Sealing keys"). A function of
// the brokers' common root key and the time, so that any two brokers agree without talking. Pure.
//
// Three are in force at any time: of the period before, of this one, and of the next, so that
// neither a late session nor a clock that runs ahead meets an unknown key.

#include "common/base/clock.h"
#include "common/base/secret.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace connector::broker::api {

inline constexpr std::chrono::hours kSealingPeriod{12};
inline constexpr std::size_t kSealingKeyBytes = 32;  // AES-256
inline constexpr std::size_t kMinRootKeyBytes = 32;

struct SealingKey {
  std::uint32_t id = 0;  // The period's number: unix time / kSealingPeriod.
  Secret key;
  bool current = false;  // Seal with this one; open with any.
};

// In order of their ids.
[[nodiscard]] std::vector<SealingKey> SealingKeysAt(const Secret& root_key, WallTime now);

}  // namespace connector::broker::api
