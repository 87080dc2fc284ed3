#pragma once

// What the broker tells Prometheus of its dealings with Vault. Labels have a fixed set of values.

#include "broker/catalog/catalog.h"
#include "broker/store/vault_store.h"

#include <prometheus/collectable.h>
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <vector>

namespace connector::broker::app {

// Thread-safe.
class VaultRequestMetrics {
 public:
  explicit VaultRequestMetrics(prometheus::Registry& registry);

  void Note(const vault::Exchange& exchange);

 private:
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Histogram>& duration_;
};

// Read when scraped. The parts outlive it.
class VaultStateMetrics final : public prometheus::Collectable {
 public:
  VaultStateMetrics(const store::VaultSecretStore& vault, const catalog::Catalog& catalog)
      : vault_(vault), catalog_(catalog) {}

  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const store::VaultSecretStore& vault_;
  const catalog::Catalog& catalog_;
};

}  // namespace connector::broker::app
