#pragma once

// When a token or a lease is renewed, and when a new one takes its place. Pure.

#include <chrono>
#include <cstdint>
#include <optional>

namespace connector::broker::secrets {

using VaultTime = std::chrono::steady_clock::time_point;

struct Life {
  VaultTime since;                // Before the request was sent that granted it.
  std::chrono::seconds ttl{0};    // As granted then; 0: does not end.
  std::chrono::seconds asked{0};  // What a full grant would have been: the first one's ttl.
  bool renewable = false;

  [[nodiscard]] std::optional<VaultTime> End() const {
    return ttl.count() == 0 ? std::nullopt : std::optional<VaultTime>(since + ttl);
  }
};

enum class Care : std::uint8_t { kNone, kRenew, kReplace };
struct NextCare {
  Care what = Care::kNone;
  VaultTime at;
};

// Both at two thirds of the life. A renewal that granted less than it was asked for has met
// max_ttl: the next thing is then a new one.
[[nodiscard]] NextCare NextCareOf(const Life& life);

// When a renewal or replacement that failed at `now` is tried again: a third of what is left, at
// least kShortestRetry.
inline constexpr std::chrono::milliseconds kShortestRetry{250};
[[nodiscard]] VaultTime RetryCareAt(const Life& life, VaultTime now);

}  // namespace connector::broker::secrets
