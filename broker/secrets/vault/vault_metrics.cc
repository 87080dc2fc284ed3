#include "broker/secrets/vault/vault_metrics.h"

#include "common/metrics/buckets.h"
#include "common/metrics/families.h"

#include <optional>
#include <string>
#include <utility>

namespace connector::broker::secrets {
namespace {

struct ReferenceCounts {
  int usable = 0;
  int failing = 0;  // The last request failed; the last version stays in force.
  int unusable = 0;
};

ReferenceCounts CountReferences(const VaultSecretStore& vault, const std::set<SecretRef>& refs) {
  ReferenceCounts counts;
  for (const SecretRef& ref : refs) {
    const VaultObservation observed = vault.Observed(ref);
    ++(!observed.problem.empty()      ? counts.unusable
       : !observed.last_error.empty() ? counts.failing
                                      : counts.usable);
  }
  return counts;
}

double Seconds(const std::optional<WallTime>& time) {
  return time ? std::chrono::duration<double>(time->time_since_epoch()).count() : 0;
}

}  // namespace

VaultRequestMetrics::VaultRequestMetrics(prometheus::Registry& registry)
    : requests_(prometheus::BuildCounter()
                    .Name("connector_broker_vault_requests_total")
                    .Help("Requests to Vault, by operation and outcome.")
                    .Register(registry)),
      duration_(prometheus::BuildHistogram()
                    .Name("connector_broker_vault_request_duration_seconds")
                    .Help("Time of one request to Vault, by operation.")
                    .Register(registry)) {}

void VaultRequestMetrics::Note(const VaultExchange& exchange) {
  const std::string operation(ToString(exchange.operation));
  requests_.Add({{"operation", operation}, {"outcome", std::string(ToString(exchange.outcome))}})
      .Increment();
  duration_.Add({{"operation", operation}}, metrics::TransferBuckets())
      .Observe(std::chrono::duration<double>(exchange.took).count());
}

std::vector<prometheus::MetricFamily> CollectVaultState(const VaultSecretStore& vault,
                                                        const std::set<SecretRef>& followed) {
  const VaultStatus status = vault.Status();
  const ReferenceCounts counts = CountReferences(vault, followed);
  metrics::Families out;
  out.Gauge("connector_broker_vault_reachable",
            "1 while Vault answers, else 0.",
            {},
            status.reachable ? 1 : 0);
  out.Gauge("connector_broker_vault_sealed",
            "1 when Vault's last answer was that it is sealed, else 0.",
            {},
            status.sealed ? 1 : 0);
  out.Gauge("connector_broker_vault_logged_in",
            "1 while the broker has a token of Vault, else 0.",
            {},
            status.login ? 1 : 0);
  out.Gauge("connector_broker_vault_token_expiry_timestamp_seconds",
            "When the broker's own token ends; 0 without one, or when it does not end.",
            {},
            status.login ? Seconds(status.login->expires_at) : 0);
  for (const auto& [state, count] : {std::pair{"usable", counts.usable},
                                     std::pair{"failing", counts.failing},
                                     std::pair{"unusable", counts.unusable}}) {
    out.Gauge("connector_broker_vault_references",
              "Credentials in Vault that connectors refer to. failing: the last request failed, "
              "what was read before stays in force.",
              {{"state", state}},
              count);
  }
  out.Counter("connector_broker_vault_logins_total",
              "Logins to Vault that succeeded.",
              static_cast<double>(status.logins));
  out.Counter("connector_broker_vault_token_renewals_total",
              "Renewals of the broker's own token.",
              static_cast<double>(status.renewals));
  out.Counter("connector_broker_vault_lease_renewals_total",
              "Renewals of leases.",
              static_cast<double>(status.lease_renewals));
  out.Counter("connector_broker_vault_leases_revoked_total",
              "Leases that were given back.",
              static_cast<double>(status.leases_revoked));
  return out.Take();
}

}  // namespace connector::broker::secrets
