#pragma once

// KeyCache: keeps an issuer's keys, and decides when they may be used and when they are fetched
// again. Pure: the OIDC verifier fetches, waits and locks.
//
// Young keys are used at once. Older ones are used while newer ones are fetched; still older ones
// only after an attempt to fetch. After kKeysDieAfter nothing is accepted. A token with an unknown
// key starts a fetch at once. All attempts share one rate limit: otherwise a client could make the
// broker flood an issuer by inventing key ids.

#include "common/base/clock.h"
#include "common/jose/jwk_set.h"

#include <chrono>
#include <cstdint>
#include <optional>

namespace connector::broker::callers {

inline constexpr std::chrono::minutes kRefreshKeysAfter{5};  // In the background, when used.
inline constexpr std::chrono::hours kKeysMaxAge{1};          // Then no use without an attempt.
inline constexpr std::chrono::hours kKeysDieAfter{24};       // An issuer that is down this long.
inline constexpr std::chrono::seconds kMinRefreshInterval{10};

enum class KeyStep : std::uint8_t {
  kUse,
  kUseAndRefresh,  // Start a refresh, do not wait for it.
  kRefresh,        // Start a refresh and wait for it.
  kWait,           // One is under way: wait for it.
  kFail,           // Nothing usable, and asking again is not allowed yet.
};

class KeyCache {
 public:
  // Before a token is checked.
  [[nodiscard]] KeyStep ForUse(WallTime now) const;
  // After it named a key that is not there.
  [[nodiscard]] KeyStep ForUnknownKey(WallTime now) const;

  // Brackets one refresh. BeginRefresh is called for kUseAndRefresh and kRefresh, before the fetch.
  void BeginRefresh(WallTime now);
  void EndRefresh(std::optional<jose::JwkSet> fetched, WallTime now);

  // The keys; nullopt when there are none or they have expired.
  [[nodiscard]] std::optional<jose::JwkSet> Usable(WallTime now) const;
  // Changes with each successful refresh.
  [[nodiscard]] std::uint64_t generation() const { return generation_; }
  [[nodiscard]] bool last_refresh_failed() const { return last_failed_; }

 private:
  [[nodiscard]] bool MayRefresh(WallTime now) const;

  std::optional<jose::JwkSet> keys_;
  WallTime fetched_at_{};
  std::optional<WallTime> attempted_at_;
  bool refreshing_ = false;
  bool last_failed_ = false;
  std::uint64_t generation_ = 0;
};

}  // namespace connector::broker::callers
