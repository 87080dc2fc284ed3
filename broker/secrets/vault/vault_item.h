#pragma once

// VaultItem: the state of one followed or fetched reference, and the decisions made from it. Pure:
// no clock, no lock, no socket. Private to this library.

#include "broker/secrets/secret_store.h"
#include "broker/secrets/vault/vault_answers.h"
#include "broker/secrets/vault/vault_breaker.h"
#include "broker/secrets/vault/vault_lease.h"
#include "broker/secrets/vault/vault_store.h"
#include "common/async/one_shot.h"
#include "common/resilience/single_flight.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace connector::broker::secrets {

// A credential that Vault created for the broker and takes back at its end.
struct VaultLease {
  Secret id;
  std::string hash;
  LeaseTerms terms;
  std::uint64_t generation = 0;  // The login that read it; it ends with that login.
  std::shared_ptr<const StoredSecret> secret;
};

enum class VaultWatchAction : std::uint8_t { kRead, kReadMetadata, kRenewLease };

struct VaultWatchPlan {
  VaultWatchAction action = VaultWatchAction::kRead;
  VaultTime at;
};

struct VaultItem {
  using Read = resilience::SingleFlight<Result<std::shared_ptr<const StoredSecret>>>;

  SecretRef ref;
  std::set<resource::CredentialWanted> wanted;  // What followers want of it.
  bool followed = false;
  bool dropped = false;   // Removed from the store; coroutines that still hold it end.
  bool answered = false;  // Vault has answered about it, with data or a refusal.
  VaultObservation seen;

  // One request at a time: a read that others join, or another request that they wait for.
  Read read;
  std::shared_ptr<OneShot<Done>> other;
  resilience::CircuitBreaker breaker{kVaultBreaker};

  std::shared_ptr<VaultLease> lease;
  std::vector<std::shared_ptr<VaultLease>> old_leases;  // Replaced, and not at their end yet.
  std::optional<VaultKvState> kv;
  std::uint64_t metadata_refused_in = 0;  // The login that may not read metadata.

  VaultTime next;                     // Of reading and polling.
  std::optional<VaultTime> renew_at;  // Of the lease, after a failure.
  std::shared_ptr<OneShot<Done>> wake = std::make_shared<OneShot<Done>>();

  // `generation` is that of the current login. `lease_alive`: the login of the lease has not ended.
  [[nodiscard]] VaultWatchPlan Plan(std::uint64_t generation,
                                    bool lease_alive,
                                    VaultTime now) const;
  // Judges the content for those that want a credential of it.
  void Judge(const StoredSecret& secret);
  // True when the content has to be read again to judge it for `credentials`.
  [[nodiscard]] bool WantAlso(std::set<resource::CredentialWanted> credentials);
  [[nodiscard]] bool LeaseEnded(VaultTime now) const;
  // Sets the next poll: after `interval` with jitter, sooner after a failure. `random` is in [0,
  // 1).
  void SetNext(std::chrono::milliseconds interval, VaultTime now, double random);
};

}  // namespace connector::broker::secrets
