#pragma once

// VaultGate: whether something that fails may be asked again yet. One stands before all of Vault,
// one before each path and one before the login. Pure: no clock, no lock, no random source.
//
// After a failure it closes for what Retry-After said, or else for a random part of a doubling time
// (full jitter). Then it lets one through and keeps the others out until that one has come back: so
// an ailing Vault sees one request at a time from this broker, however many wait.

#include "broker/secrets/vault/vault_lease.h"
#include "common/base/result.h"

#include <chrono>
#include <optional>

namespace connector::broker::secrets {

inline constexpr std::chrono::milliseconds kFirstBackoff{250};
inline constexpr std::chrono::milliseconds kLongestBackoff{5000};
inline constexpr std::chrono::seconds kLongestRetryAfter{60};
// How long those who come while one is being tried are told to stay away.
inline constexpr std::chrono::milliseconds kProbePause{200};
// One that was let through and never came back is forgotten after this.
inline constexpr std::chrono::seconds kLongestProbe{60};

class VaultGate {
 public:
  struct Held {
    Error error;  // What went wrong last, with retry_after.
    VaultTime until;
    unsigned failures = 0;  // In a row.
  };

  // Nullopt: go, and then call Answered, Failed or Left.
  [[nodiscard]] std::optional<Held> Admit(VaultTime now);

  void Answered();
  // `random` is in [0, 1).
  void Failed(const Error& error, VaultTime now, double random);
  // The one who was admitted went away without an answer that says anything.
  void Left() { probing_until_ = VaultTime(); }

  [[nodiscard]] bool failing() const { return failures_ > 0; }
  [[nodiscard]] VaultTime until() const { return until_; }
  // When Admit may next let one through: while one is out, not at once, or who waits would spin.
  [[nodiscard]] VaultTime NextTry(VaultTime now) const;
  [[nodiscard]] const Error& error() const { return error_; }

 private:
  unsigned failures_ = 0;
  VaultTime probing_until_;
  VaultTime until_;
  Error error_;
};

}  // namespace connector::broker::secrets
