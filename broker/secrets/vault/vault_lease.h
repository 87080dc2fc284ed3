#pragma once

// Decides when a Vault token or lease is renewed, and when a new one replaces it. Pure.
//
// A renewal at two thirds leaves a third of the lifetime for retries, so that a Vault that is down
// for a while costs no credential.

#include <chrono>
#include <cstdint>
#include <optional>

namespace connector::broker::secrets {

using VaultTime = std::chrono::steady_clock::time_point;

[[nodiscard]] inline VaultTime VaultNow() {
  return std::chrono::steady_clock::now();
}

struct LeaseTerms {
  VaultTime since;                        // Taken before the request was sent, so never too late.
  std::chrono::seconds ttl{0};            // As granted; 0: no end.
  std::chrono::seconds requested_ttl{0};  // What each renewal asks for: the ttl of the first grant.
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

// Both actions are due at two thirds of the ttl. Vault caps a renewal at max_ttl without an error:
// it grants less than was requested. Another renewal would grant less still, so the lease is then
// replaced.
[[nodiscard]] NextRenewal NextRenewalOf(const LeaseTerms& terms);

// When a renewal or replacement that failed at `now` is tried again: after a third of the time
// left, at least kShortestRetry. Retries become denser towards the end and still never flood Vault.
inline constexpr std::chrono::milliseconds kShortestRetry{250};
[[nodiscard]] VaultTime RetryAt(const LeaseTerms& terms, VaultTime now);

}  // namespace connector::broker::secrets
