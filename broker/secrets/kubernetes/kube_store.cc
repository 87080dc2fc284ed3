#include "broker/secrets/kubernetes/kube_store.h"

#include "broker/secrets/kubernetes/kubernetes_secret_watcher.h"

#include <utility>

namespace connector::broker::secrets {

KubeSecretStore::KubeSecretStore(KubeStoreParts parts)
    : watcher_(std::make_shared<KubernetesSecretWatcher>(std::move(parts))) {}

KubeSecretStore::~KubeSecretStore() {
  watcher_->Abandon();
}

Task<Result<StoredSecret>> KubeSecretStore::Fetch(SecretRef ref, Deadline deadline) {
  return watcher_->Fetch(std::move(ref), deadline);
}

void KubeSecretStore::Follow(std::vector<SecretRef> refs,
                             std::function<void(const SecretRef&)> on_change) {
  std::vector<SecretNeed> needs;
  needs.reserve(refs.size());
  for (SecretRef& ref : refs) {
    needs.push_back({std::move(ref)});
  }
  watcher_->Follow(std::move(needs), std::move(on_change));
}

void KubeSecretStore::FollowNeeds(std::vector<SecretNeed> needs) {
  watcher_->Follow(std::move(needs), std::nullopt);
}

KubeObservation KubeSecretStore::Observed(const SecretRef& ref) const {
  return watcher_->Observed(ref);
}

KubeStoreStatus KubeSecretStore::Status() const {
  return watcher_->CurrentStatus();
}

void KubeSecretStore::Wake() {
  watcher_->Wake();
}

Task<bool> KubeSecretStore::Stop(Deadline deadline) {
  return watcher_->Stop(deadline);
}

}  // namespace connector::broker::secrets
