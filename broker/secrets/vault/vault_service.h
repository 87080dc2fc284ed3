#pragma once

// VaultService: the Vault store with its metrics, and the views of it that other parts need.

#include "broker/connectors/catalog_publisher.h"
#include "broker/secrets/vault/vault_metrics.h"
#include "broker/secrets/vault/vault_store.h"

#include <functional>
#include <memory>
#include <string_view>

namespace connector::broker::secrets {

class VaultService {
 public:
  // All outlive the service; so does what `on_change` touches.
  struct Parts {
    std::string_view root_key;
    const Clock& clock;
    asio::io_context& io;
    log::Logger& logger;
    prometheus::Registry& registry;
    const connectors::Catalog& catalog;
    std::function<void()> on_change;  // A Connector's credential may have changed.
  };

  VaultService(const VaultOptions& options, Parts parts);

  [[nodiscard]] secrets::VaultSecretStore& store() { return store_; }
  [[nodiscard]] std::shared_ptr<prometheus::Collectable> state_metrics() const {
    return state_metrics_;
  }
  [[nodiscard]] connectors::CredentialView View();
  [[nodiscard]] VaultLoginCheck Login();

  // Revokes leases and our own token. Blocks; threads must run the executor.
  void Stop();

 private:
  asio::io_context& io_;
  VaultRequestMetrics request_metrics_;
  secrets::VaultSecretStore store_;
  std::shared_ptr<VaultStateMetrics> state_metrics_;
};

}  // namespace connector::broker::secrets
