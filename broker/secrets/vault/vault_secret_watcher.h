#pragma once

// VaultSecretWatcher: the implementation of VaultSecretStore. vault_secret_watcher.cc reads for
// Fetch; vault_watch.cc watches, renews and revokes what is followed. Private to this library.

#include "broker/secrets/vault/path_policy.h"
#include "broker/secrets/vault/vault_client.h"
#include "broker/secrets/vault/vault_item.h"
#include "broker/secrets/vault/vault_session.h"
#include "broker/secrets/vault/vault_store.h"
#include "broker/secrets/version_digest.h"
#include "common/async/task_group.h"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace connector::broker::secrets {

class VaultSecretWatcher : public std::enable_shared_from_this<VaultSecretWatcher> {
 public:
  using ItemPointer = std::shared_ptr<VaultItem>;
  using SecretResult = Result<std::shared_ptr<const StoredSecret>>;

  [[nodiscard]] static std::shared_ptr<VaultSecretWatcher> Make(VaultOptions options,
                                                                VaultStoreParts parts);
  VaultSecretWatcher(VaultOptions options, VaultStoreParts parts);  // Make's.

  [[nodiscard]] Task<Result<StoredSecret>> Fetch(SecretRef ref, Deadline deadline);
  void Follow(std::vector<SecretNeed> needs, std::function<void(const SecretRef&)> on_change);
  bool Discard(const SecretRef& ref);
  [[nodiscard]] VaultObservation Observed(const SecretRef& ref) const;
  [[nodiscard]] VaultStatus CurrentStatus() const;
  [[nodiscard]] Task<Result<VaultLoginInfo>> CheckLogin(Deadline deadline);
  [[nodiscard]] Task<Done> Stop(Deadline deadline);
  // Stops at once and revokes nothing.
  void Abandon();

 private:
  // What Fetch does next: return `answer`, or wait for `other` and ask again, or wait for `read`,
  // which it has to start when `start` is set.
  struct Step {
    std::optional<Result<StoredSecret>> answer;
    std::shared_ptr<OneShot<Done>> other;
    std::shared_ptr<VaultItem::Read::Call> read;
    ItemPointer item;
    bool start = false;
  };
  // What one read of Vault returned.
  struct VaultReadResult {
    Result<VaultReading> reading = Error{};
    bool definite = false;  // Vault itself answered about this reference; not a failure on the way.
    std::uint64_t generation = 0;
    VaultTime started;
  };
  // Notifications to deliver after the lock is released.
  struct Notifications {
    bool changed = false;
    bool observed = false;
    std::function<void(const SecretRef&)> on_change;
    std::vector<std::shared_ptr<VaultLease>> to_revoke;
  };

  // Reading.
  [[nodiscard]] Step Next(const SecretRef& ref);
  [[nodiscard]] std::optional<StoredSecret> LiveLease(const VaultItem& item) const;
  [[nodiscard]] Task<SecretResult> Load(ItemPointer item);
  [[nodiscard]] Task<void> RunLoad(std::shared_ptr<VaultSecretWatcher> self,
                                   ItemPointer item,
                                   std::shared_ptr<VaultItem::Read::Call> call);
  [[nodiscard]] Task<VaultReadResult> Read(resource::VaultLocation location);
  [[nodiscard]] SecretResult ApplyReadResult(const ItemPointer& item, VaultReadResult read_result);
  [[nodiscard]] std::shared_ptr<const StoredSecret> ApplyReading(VaultItem& item,
                                                                 VaultReading reading,
                                                                 const VaultReadResult& read_result,
                                                                 Notifications& notifications);
  void ApplyFailure(VaultItem& item, const Error& error, bool definite, VaultTime started);
  void Notify(const ItemPointer& item, Notifications notifications);
  [[nodiscard]] ItemPointer ItemOf(const SecretRef& ref);
  [[nodiscard]] double Random() { return parts_.random(); }

  // Watching.
  [[nodiscard]] Task<void> Watch(std::shared_ptr<VaultSecretWatcher> self, ItemPointer item);
  [[nodiscard]] Task<void> RunAction(ItemPointer item, VaultWatchAction action);
  [[nodiscard]] Task<void> JoinRead(ItemPointer item);
  [[nodiscard]] Task<bool> ReadMetadata(ItemPointer item);
  [[nodiscard]] Task<bool> RenewLease(ItemPointer item);
  [[nodiscard]] bool ApplyRenewal(const ItemPointer& item,
                                  const std::shared_ptr<VaultLease>& lease,
                                  const Result<VaultSession::Reply>& reply,
                                  VaultTime started);
  [[nodiscard]] Task<void> Revoke(std::shared_ptr<VaultSecretWatcher> self,
                                  SecretRef ref,
                                  std::vector<std::shared_ptr<VaultLease>> leases);
  [[nodiscard]] Task<bool> RevokeOne(SecretRef ref,
                                     std::shared_ptr<VaultLease> lease,
                                     Deadline deadline);
  [[nodiscard]] static std::vector<std::shared_ptr<VaultLease>> TakeLeases(VaultItem& item);
  void WakeAll();

  const VaultOptions options_;
  VaultStoreParts parts_;
  const VaultPathPolicy policy_;
  const VersionDigest versions_;
  const std::shared_ptr<TaskGroup> tasks_;
  const std::shared_ptr<VaultClient> client_;
  const std::shared_ptr<VaultSession> session_;
  std::atomic<std::uint64_t> lease_renewals_{0};
  std::atomic<std::uint64_t> leases_revoked_{0};
  const std::shared_ptr<OneShot<Done>> stopped_ = std::make_shared<OneShot<Done>>();

  mutable std::mutex mutex_;  // Guards all below and every item; never held across co_await.
  bool stopping_ = false;
  bool renewing_ = false;
  std::map<SecretRef, ItemPointer> items_;
  std::function<void(const SecretRef&)> on_change_;
};

}  // namespace connector::broker::secrets
