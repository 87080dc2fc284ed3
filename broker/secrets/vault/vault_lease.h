#pragma once

// When a token or a lease is renewed, and when a new one takes its place. Pure.

#include <chrono>
#include <cstdint>
#include <optional>

namespace connector::broker::secrets {

using VaultTime = std::chrono::steady_clock::time_point;

struct LeaseTerms {
  VaultTime since;                        // Before the request was sent that granted it.
  std::chrono::seconds ttl{0};            // As granted then; 0: does not end.
  std::chrono::seconds requested_ttl{0};  // What a full grant would have been: the first one's ttl.
  bool renewable = false;

  [[nodiscard]] std::optional<VaultTime> End() const {
    return ttl.count() == 0 ? std::nullopt : std::optional<VaultTime>(since + ttl);
  }
};

enum class RenewalAction : std::uint8_t { kNone, kRenew, kReplace };
struct NextRenewal {
  RenewalAction action = RenewalAction::kNone;
  VaultTime at;
};

// Both at two thirds of the life. A renewal that granted less than it was asked for has met
// max_ttl: the next thing is then a new one.
[[nodiscard]] NextRenewal NextRenewalOf(const LeaseTerms& terms);

// When a renewal or replacement that failed at `now` is tried again: a third of what is left, at
// least kShortestRetry.
inline constexpr std::chrono::milliseconds kShortestRetry{250};
[[nodiscard]] VaultTime RetryAt(const LeaseTerms& terms, VaultTime now);

}  // namespace connector::broker::secrets
