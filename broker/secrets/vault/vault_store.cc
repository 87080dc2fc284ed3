#include "broker/secrets/vault/vault_store.h"

#include "broker/secrets/vault/vault_secret_watcher.h"

#include <utility>

namespace connector::broker::secrets {

VaultSecretStore::VaultSecretStore(VaultOptions options, VaultStoreParts parts)
    : watcher_(VaultSecretWatcher::Make(std::move(options), std::move(parts))) {}

VaultSecretStore::~VaultSecretStore() {
  watcher_->Abandon();
}

Task<Result<StoredSecret>> VaultSecretStore::Fetch(SecretRef ref, Deadline deadline) {
  return watcher_->Fetch(std::move(ref), deadline);
}

void VaultSecretStore::Follow(std::vector<SecretRef> refs,
                              std::function<void(const SecretRef&)> on_change) {
  std::vector<SecretNeed> needs;
  needs.reserve(refs.size());
  for (SecretRef& ref : refs) {
    needs.push_back({std::move(ref)});
  }
  watcher_->Follow(std::move(needs), std::move(on_change));
}

void VaultSecretStore::FollowNeeds(std::vector<SecretNeed> needs) {
  // Changes come as observations; nobody needs them twice.
  watcher_->Follow(std::move(needs), [](const SecretRef&) {});
}

bool VaultSecretStore::Discard(const SecretRef& ref) {
  return watcher_->Discard(ref);
}

VaultObservation VaultSecretStore::Observed(const SecretRef& ref) const {
  return watcher_->Observed(ref);
}

VaultStatus VaultSecretStore::Status() const {
  return watcher_->CurrentStatus();
}

Task<Result<VaultLoginInfo>> VaultSecretStore::CheckLogin(Deadline deadline) {
  return watcher_->CheckLogin(deadline);
}

Task<Done> VaultSecretStore::Stop(Deadline deadline) {
  return watcher_->Stop(deadline);
}

}  // namespace connector::broker::secrets
