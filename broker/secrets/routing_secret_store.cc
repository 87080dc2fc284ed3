#include "broker/secrets/routing_secret_store.h"

#include <algorithm>
#include <utility>

namespace connector::broker::secrets {

Task<Result<StoredSecret>> RoutingSecretStore::Fetch(SecretRef ref, Deadline deadline) {
  if (!ref.vault) {
    co_return co_await files_.Fetch(std::move(ref), deadline);
  }
  if (vault_ == nullptr) {
    co_return MakeError(ErrorCode::kInvalidArgument,
                        ErrorOrigin::kBroker,
                        ref.ToString() + " cannot be read: the broker has no vault configured");
  }
  co_return co_await vault_->Fetch(std::move(ref), deadline);
}

void RoutingSecretStore::Follow(std::vector<SecretRef> refs,
                                std::function<void(const SecretRef&)> on_change) {
  const auto in_vault = std::stable_partition(
      refs.begin(), refs.end(), [](const SecretRef& ref) { return !ref.vault; });
  if (vault_ != nullptr) {
    vault_->Follow({in_vault, refs.end()}, on_change);
  }
  refs.erase(in_vault, refs.end());
  files_.Follow(std::move(refs), std::move(on_change));
}

bool RoutingSecretStore::Discard(const SecretRef& ref) {
  return ref.vault && vault_ != nullptr && vault_->Discard(ref);
}

}  // namespace connector::broker::secrets
