#pragma once

// Metrics about Vault. Labels have a fixed set of values.

#include "broker/secrets/vault/vault_store.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>

#include <set>
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

// The state of the store and of what it follows, as it is now.
[[nodiscard]] std::vector<prometheus::MetricFamily> CollectVaultState(
    const VaultSecretStore& vault, const std::set<SecretRef>& followed);

}  // namespace connector::broker::secrets
