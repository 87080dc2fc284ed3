#include "broker/secrets/vault/vault_store.h"

#include "broker/secrets/vault/vault_secret_watcher.h"

#include <utility>

namespace connector::broker::secrets {

VaultSecretStore::VaultSecretStore(VaultOptions options, VaultStoreParts parts)
    : keeper_(VaultKeeper::Make(std::move(options), std::move(parts))) {}

VaultSecretStore::~VaultSecretStore() {
  keeper_->Abandon();
}

Task<Result<StoredSecret>> VaultSecretStore::Fetch(SecretRef ref, Deadline deadline) {
  return keeper_->Fetch(std::move(ref), deadline);
}

void VaultSecretStore::Follow(std::vector<SecretRef> refs,
                              std::function<void(const SecretRef&)> on_change) {
  keeper_->Follow(std::move(refs), std::move(on_change));
}

bool VaultSecretStore::Discard(const SecretRef& ref) {
  return keeper_->Discard(ref);
}

VaultObservation VaultSecretStore::Observed(const SecretRef& ref) const {
  return keeper_->Observed(ref);
}

VaultStatus VaultSecretStore::Status() const {
  return keeper_->CurrentStatus();
}

Task<Result<VaultLoginInfo>> VaultSecretStore::CheckLogin(Deadline deadline) {
  return keeper_->CheckLogin(deadline);
}

Task<Done> VaultSecretStore::Stop(Deadline deadline) {
  return keeper_->Stop(deadline);
}

}  // namespace connector::broker::secrets
