#include "broker/secrets/vault/vault_item.h"

#include "common/resilience/backoff.h"

#include <algorithm>

namespace connector::broker::secrets {

VaultWatchPlan VaultItem::Plan(std::uint64_t generation, bool lease_alive, VaultTime now) const {
  if (lease != nullptr && !LeaseEnded(now)) {
    // Vault revokes the leases of a login together with its token. After another login this lease
    // is about to end, whatever its ttl says: read a new one now.
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
  // Metadata have their own policy. Where the login may not read them, the data are polled instead.
  // A refusal of the data clears `kv`, because metadata say nothing about the right to the data.
  const bool metadata = kv && (generation == 0 || generation != metadata_refused_in);
  return {metadata ? VaultWatchAction::kReadMetadata : VaultWatchAction::kRead, next};
}

void VaultItem::Judge(const StoredSecret& secret) {
  const std::string missing = MissingKeys(*ref.vault, secret.data);
  seen.problem = missing.empty() ? missing : ref.ToString() + " " + missing;
  seen.lacks.clear();
  for (const resource::CredentialWanted& each : wanted) {
    const Result<RegistryCredential> credential = ReadRegistryCredential(ref, secret, each);
    if (!credential) {
      seen.lacks.emplace(each, credential.error().message);
    }
  }
}

bool VaultItem::WantAlso(std::set<resource::CredentialWanted> credentials) {
  if (wanted == credentials) {
    return false;
  }
  wanted = std::move(credentials);
  if (lease != nullptr) {
    Judge(*lease->secret);
    return false;
  }
  kv.reset();  // Else only the metadata would be read.
  return answered;
}

bool VaultItem::LeaseEnded(VaultTime now) const {
  const std::optional<VaultTime> end = lease == nullptr ? std::nullopt : lease->terms.End();
  return end && *end <= now;
}

void VaultItem::SetNext(std::chrono::milliseconds interval, VaultTime now, double random) {
  // Twice as often after an error: recovery is seen soon, and Vault gets at most twice the usual
  // load. The jitter keeps brokers that started together from polling together.
  next = now +
         (seen.last_error.empty()
              ? resilience::SpreadPeriod<VaultTime::duration>(interval, random)
              : std::chrono::duration_cast<VaultTime::duration>(interval * (0.5 + 0.1 * random)));
}

}  // namespace connector::broker::secrets
