#pragma once

// The keys that data planes seal upload sessions with (docs/rules.md "Sealing keys"). A function of
// the brokers' common root keys and the time, so that any two brokers agree without talking. Pure.
//
// Three of each root key are in force at any time: of the period before, of this one, and of the
// next, so that neither a late session nor a clock that runs ahead meets an unknown key. Data
// planes seal with one of the current root key, and open with those of all.

#include "broker/root_key/active_root_keys.h"
#include "common/base/clock.h"
#include "common/base/secret.h"

#include "proto/connector/broker/v1/broker.pb.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace connector::broker::api {

inline constexpr std::chrono::hours kSealingPeriod{12};
inline constexpr std::size_t kSealingKeyBytes = 32;  // AES-256

struct SealingKey {
  // The root key's tag (16 bits), then the period's number (16 bits of unix time / kSealingPeriod).
  std::uint32_t id = 0;
  Secret key;
  bool current = false;  // Seal with this one; open with any.
};

// In order of the root keys, then of the periods.
[[nodiscard]] std::vector<SealingKey> SealingKeysAt(const root_key::RootKeys& root_keys,
                                                    WallTime now);

// Data planes ask so often. The next period's key is among the keys, so that hours would do too.
inline constexpr std::chrono::seconds kAskForKeysAgainAfter{30};

// What GetSealingKeys answers. Thread-safe.
class SealingKeySource {
 public:
  // Both outlive it.
  SealingKeySource(const root_key::ActiveRootKeys& root_keys, const Clock& clock)
      : root_keys_(root_keys), clock_(clock) {}

  void Fill(v1::GetSealingKeysResponse& response) const;

 private:
  const root_key::ActiveRootKeys& root_keys_;
  const Clock& clock_;
};

}  // namespace connector::broker::api
