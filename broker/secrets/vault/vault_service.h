#pragma once

// VaultService: the Vault store of a broker with its metrics, readiness and status, as the other
// parts want to see it.

#include "broker/secrets/credential_view.h"
#include "broker/secrets/vault/vault_metrics.h"
#include "broker/secrets/vault/vault_store.h"
#include "common/program/component.h"

#include <prometheus/registry.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

namespace connector::broker::secrets {

class VaultService final : public program::Component {
 public:
  // All outlive the service; so does what `on_change` touches.
  struct Parts {
    std::string_view version_key;
    const Clock& clock;
    Executor executor;
    log::Logger& logger;
    prometheus::Registry& registry;
    std::function<void()> on_change;  // What a Connector's credential is may have changed.
  };

  VaultService(const VaultOptions& options, Parts parts);

  [[nodiscard]] VaultSecretStore& store() { return store_; }
  [[nodiscard]] CredentialView View();

  // Gives leases and our own token back.
  void Stop(Deadline deadline) override;
  [[nodiscard]] std::vector<prometheus::MetricFamily> Metrics() const override;
  // A Vault that no connector needs degrades nothing; we do not even log in there.
  void AddReadiness(admin::Readiness& readiness) const override;
  void AddStatus(admin::StatusReport& status) const override;

 private:
  void Follow(const std::vector<SecretNeed>& needs);
  [[nodiscard]] std::set<SecretRef> Followed() const;

  const Executor executor_;
  VaultRequestMetrics request_metrics_;
  VaultSecretStore store_;

  mutable std::mutex mutex_;
  std::set<SecretRef> followed_;
};

// Null without `options`: the configuration names no Vault.
[[nodiscard]] std::unique_ptr<VaultService> MakeVaultService(
    const std::optional<VaultOptions>& options, VaultService::Parts parts);

// Of a broker whose Vault may be null: an empty view, an empty function.
[[nodiscard]] CredentialView VaultViewOf(VaultService* service);
[[nodiscard]] VaultLoginCheck VaultLoginCheckOf(VaultService* service);
[[nodiscard]] SecretStore* VaultStoreOf(VaultService* service);

}  // namespace connector::broker::secrets
