#include "broker/secrets/vault/vault_lease.h"

#include <algorithm>

namespace connector::broker::secrets {

NextRenewal NextRenewalOf(const LeaseTerms& terms) {
  if (terms.ttl.count() == 0) {
    return {};
  }
  const auto two_thirds =
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(terms.ttl) * 2 / 3;
  const bool capped = terms.ttl < terms.requested_ttl;
  return {terms.renewable && !capped ? RenewalAction::kRenew : RenewalAction::kReplace,
          terms.since + two_thirds};
}

VaultTime RetryAt(const LeaseTerms& terms, VaultTime now) {
  const std::optional<VaultTime> end = terms.End();
  const auto left = end && *end > now ? *end - now : VaultTime::duration::zero();
  return now + std::max<VaultTime::duration>(left / 3, kShortestRetry);
}

}  // namespace connector::broker::secrets
