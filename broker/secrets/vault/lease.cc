#include "broker/secrets/vault/lease.h"

#include <algorithm>

namespace connector::broker::secrets {

NextCare NextCareOf(const Life& life) {
  if (life.ttl.count() == 0) {
    return {};
  }
  const auto two_thirds =
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(life.ttl) * 2 / 3;
  const bool capped = life.ttl < life.asked;
  return {life.renewable && !capped ? Care::kRenew : Care::kReplace, life.since + two_thirds};
}

VaultTime RetryCareAt(const Life& life, VaultTime now) {
  const std::optional<VaultTime> end = life.End();
  const auto left = end && *end > now ? *end - now : VaultTime::duration::zero();
  return now + std::max<VaultTime::duration>(left / 3, kShortestRetry);
}

}  // namespace connector::broker::secrets
