#include "broker/app/status.h"

#include "broker/app/metrics.h"
#include "common/base/locked_arena.h"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace connector::broker::app {
namespace {

admin::ConnectorStatus ConnectorStatusOf(const connectors::CatalogEntry& entry,
                                         const std::map<std::string, std::string>& failures,
                                         const connectors::CatalogPublisher& publisher) {
  const resource::Connector& connector = *entry.connector;
  admin::ConnectorStatus status;
  status.name = connector.ref.ToString();
  status.address = connector.address.ToString();
  status.secret_class = resource::ToString(resource::ClassOf(connector.auth.kind));
  status.problem = entry.problem;
  if (const auto found = failures.find(status.name); found != failures.end()) {
    status.last_error = found->second;
  }
  status.credential = publisher.CredentialStatusOf(connector);
  const bool credential_ails = status.credential && !status.credential->last_error.empty();
  status.health = !status.problem.empty()                         ? "failing"
                  : !status.last_error.empty() || credential_ails ? "degraded"
                                                                  : "ok";
  return status;
}

std::string ArenaText() {
  const ArenaStats arena = LockedArenaStats();
  switch (arena.kind) {
    case ArenaKind::kMemfdSecret:
      return "memfd_secret: outside every core dump and /proc";
    case ArenaKind::kLocked:
      return "locked pages: outside swap and core dumps";
    case ArenaKind::kHeap:
      break;
  }
  return "heap: the kernel refused locked memory";
}

}  // namespace

std::vector<prometheus::MetricFamily> BrokerStatus::Metrics() const {
  return SecretMemoryMetrics();
}

void BrokerStatus::AddStatus(admin::StatusReport& status) const {
  const auto failures = sources_.failures.Failing();
  const std::shared_ptr<const connectors::CatalogSnapshot> snapshot = sources_.catalog.Current();
  for (const auto& [ref, entry] : snapshot->entries) {
    status.connectors.push_back(ConnectorStatusOf(*entry, failures, sources_.publisher));
  }
  const api::IssueMetrics::Totals totals = sources_.issued.totals();
  status.totals = admin::Totals{
      .requests = totals.granted + totals.denied + totals.failed,
      .denied = totals.denied,
      .errors = totals.failed,
      .bytes_down = std::nullopt,
      .bytes_up = std::nullopt,
  };
  status.errors = sources_.failures.List();
  status.sections.push_back({"Broker",
                             {{"Data planes that follow", std::to_string(sources_.hub.streams())},
                              {"Secret memory", ArenaText()}}});
}

}  // namespace connector::broker::app
