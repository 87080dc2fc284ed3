#include "broker/secrets/kubernetes/kube_store.h"

#include "broker/secrets/kubernetes/kubernetes_secret_watcher.h"

#include <utility>

namespace connector::broker::secrets {

KubeSecretStore::KubeSecretStore(KubeStoreParts parts)
    : keeper_(std::make_shared<KubeKeeper>(std::move(parts))) {}

KubeSecretStore::~KubeSecretStore() {
  keeper_->Abandon();
}

Task<Result<StoredSecret>> KubeSecretStore::Fetch(SecretRef ref, Deadline deadline) {
  return keeper_->Fetch(std::move(ref), deadline);
}

void KubeSecretStore::Follow(std::vector<SecretRef> refs,
                             std::function<void(const SecretRef&)> on_change) {
  std::vector<SecretNeed> needs;
  needs.reserve(refs.size());
  for (SecretRef& ref : refs) {
    needs.push_back({std::move(ref)});
  }
  keeper_->Follow(std::move(needs), std::move(on_change));
}

void KubeSecretStore::FollowNeeds(std::vector<SecretNeed> needs) {
  keeper_->Follow(std::move(needs), std::nullopt);
}

KubeObservation KubeSecretStore::Observed(const SecretRef& ref) const {
  return keeper_->Observed(ref);
}

KubeStoreStatus KubeSecretStore::Status() const {
  return keeper_->CurrentStatus();
}

void KubeSecretStore::Wake() {
  keeper_->Wake();
}

Task<bool> KubeSecretStore::Stop(Deadline deadline) {
  return keeper_->Stop(deadline);
}

}  // namespace connector::broker::secrets
