#include "broker/secrets/vault/vault_gate.h"

#include <algorithm>

namespace connector::broker::secrets {

std::optional<VaultGate::Held> VaultGate::Admit(VaultTime now) {
  if (failures_ == 0) {
    return std::nullopt;
  }
  if (now >= until_ && now >= probing_until_) {
    probing_until_ = now + kLongestProbe;
    return std::nullopt;
  }
  Held held{error_, std::max(until_, now + kProbePause), failures_};
  held.error.retry_after = std::chrono::ceil<std::chrono::seconds>(held.until - now);
  return held;
}

VaultTime VaultGate::NextTry(VaultTime now) const {
  return now < probing_until_ ? std::max(until_, now + kProbePause) : until_;
}

void VaultGate::Answered() {
  failures_ = 0;
  Left();
}

void VaultGate::Failed(const Error& error, VaultTime now, double random) {
  // Requests that were under way when the first one failed do not lengthen the wait.
  const bool first = failures_ == 0 || now < probing_until_;
  Left();
  error_ = error;
  if (!first) {
    return;
  }
  auto wait = std::chrono::duration_cast<VaultTime::duration>(
      std::min(kLongestBackoff, kFirstBackoff * (1U << std::min(failures_, 10U))) * random);
  if (error.retry_after.count() > 0) {
    wait = std::min(error.retry_after, kLongestRetryAfter);
  }
  ++failures_;
  until_ = now + wait;
}

}  // namespace connector::broker::secrets
