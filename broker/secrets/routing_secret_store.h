#pragma once

// RoutingSecretStore: sends each reference to the store that holds it, the Vault store or the one
// for Secrets. Minting and health checks need not know which.

#include "broker/secrets/secret_store.h"

#include <functional>
#include <vector>

namespace connector::broker::secrets {

class RoutingSecretStore final : public SecretStore {
 public:
  // Both outlive it. `vault` may be null: then a reference into Vault fails, saying so.
  RoutingSecretStore(SecretStore& files, SecretStore* vault) : files_(files), vault_(vault) {}

  [[nodiscard]] Task<Result<StoredSecret>> Fetch(SecretRef ref, Deadline deadline) override;
  void Follow(std::vector<SecretRef> refs,
              std::function<void(const SecretRef&)> on_change) override;
  bool Discard(const SecretRef& ref) override;

 private:
  SecretStore& files_;
  SecretStore* vault_;
};

}  // namespace connector::broker::secrets
