#pragma once

// The keys that data planes seal upload sessions with (docs/rules.md "Sealing keys"). A function of
// the brokers' common root key and the time, so that any two brokers agree without talking. Pure.
//
// Three are in force at any time: of the period before, of this one, and of the next, so that
// neither a late session nor a clock that runs ahead meets an unknown key.

#include "common/base/clock.h"
#include "common/base/secret.h"

#include "proto/connector/broker/v1/broker.pb.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
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

// Data planes ask so often. The next period's key is among the keys, so that hours would do too.
inline constexpr std::chrono::seconds kAskForKeysAgainAfter{30};

// What GetSealingKeys answers. Thread-safe.
class SealingKeySource {
 public:
  // `clock` outlives it.
  SealingKeySource(Secret root_key, const Clock& clock)
      : root_key_(std::move(root_key)), clock_(clock) {}

  void Fill(v1::GetSealingKeysResponse& response) const;

 private:
  const Secret root_key_;
  const Clock& clock_;
};

}  // namespace connector::broker::api
