#include "broker/secrets/vault/vault_item.h"

#include <algorithm>

namespace connector::broker::secrets {

VaultWatchPlan VaultItem::Plan(std::uint64_t generation, bool lease_alive, VaultTime now) const {
  if (lease != nullptr && !LeaseEnded(now)) {
    // Vault takes back a login's leases with the login: another login needs another lease.
    if (!lease_alive || (generation != 0 && generation != lease->generation)) {
      return {VaultWatchAction::kRead, renew_at.value_or(now)};
    }
    const NextRenewal plan = NextRenewalOf(lease->terms);
    switch (plan.action) {
      case RenewalAction::kNone:
        return {VaultWatchAction::kRead, VaultTime::max()};
      case RenewalAction::kRenew:
        return {VaultWatchAction::kRenewLease, renew_at.value_or(plan.at)};
      case RenewalAction::kReplace:
        return {VaultWatchAction::kRead, renew_at.value_or(plan.at)};
    }
  }
  // What is known of the versions goes with a refusal: metadata do not tell of rights.
  const bool metadata = kv && (generation == 0 || generation != metadata_refused_in);
  return {metadata ? VaultWatchAction::kReadMetadata : VaultWatchAction::kRead, next};
}

bool VaultItem::LeaseEnded(VaultTime now) const {
  const std::optional<VaultTime> end = lease == nullptr ? std::nullopt : lease->terms.End();
  return end && *end <= now;
}

void VaultItem::SetNext(std::chrono::milliseconds interval, VaultTime now, double random) {
  // Twice as often while something is wrong, so that recovery is seen soon and still costs Vault
  // no more than twice the usual.
  const double factor = seen.last_error.empty() ? 0.9 + 0.2 * random : 0.5 + 0.1 * random;
  next = now + std::chrono::duration_cast<VaultTime::duration>(interval * factor);
}

}  // namespace connector::broker::secrets
