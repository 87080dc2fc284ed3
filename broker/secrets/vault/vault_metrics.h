#pragma once

// Metrics about Vault. Labels have a fixed set of values.

#include "broker/connectors/catalog.h"
#include "broker/secrets/vault/vault_store.h"

#include <prometheus/collectable.h>
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <vector>

namespace connector::broker::secrets {

// Thread-safe.
class VaultRequestMetrics {
 public:
  explicit VaultRequestMetrics(prometheus::Registry& registry);

  void Note(const VaultExchange& exchange);

 private:
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Histogram>& duration_;
};

// Read when scraped. The parts outlive it.
class VaultStateMetrics final : public prometheus::Collectable {
 public:
  VaultStateMetrics(const secrets::VaultSecretStore& vault, const connectors::Catalog& catalog)
      : vault_(vault), catalog_(catalog) {}

  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const secrets::VaultSecretStore& vault_;
  const connectors::Catalog& catalog_;
};

}  // namespace connector::broker::secrets
