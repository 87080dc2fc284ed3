#include "broker/app/status.h"

#include "broker/app/cluster_view.h"
#include "broker/secrets/vault/vault_view.h"

#include <utility>

namespace connector::broker::app {
namespace {

std::optional<admin::CredentialStatus> CredentialOf(const resource::Connector& connector,
                                                    const StatusSources& sources) {
  const std::optional<secrets::SecretRef> ref = secrets::RefOf(connector);
  if (ref && ref->vault && sources.vault != nullptr) {
    return secrets::CredentialStatusOf(*ref->vault, sources.vault->Observed(*ref));
  }
  if (ref && !ref->vault && sources.secrets != nullptr) {
    return CredentialStatusOf(*ref, sources.secrets->Observed(*ref));
  }
  return std::nullopt;
}

admin::ConnectorStatus ConnectorStatusOf(const connectors::CatalogEntry& entry,
                                         const std::map<std::string, std::string>& failures,
                                         const StatusSources& sources) {
  const resource::Connector& connector = *entry.connector;
  admin::ConnectorStatus status;
  status.name = connector.ref.ToString();
  status.address = connector.address.ToString();
  status.secret_class = resource::ToString(resource::ClassOf(connector.auth.kind));
  status.problem = entry.problem;
  if (const auto found = failures.find(status.name); found != failures.end()) {
    status.last_error = found->second;
  }
  status.credential = CredentialOf(connector, sources);
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

void RecentFailures::Note(const api::IssueOutcome& outcome, WallTime now) {
  const bool granted = outcome.reason == v1::DENIAL_REASON_UNSPECIFIED;
  if ((granted && !any_failing_) || (!granted && IsCallersDoing(outcome.reason))) {
    return;
  }
  const std::lock_guard lock(mutex_);
  if (granted) {
    failing_.erase(outcome.connector);
  } else {
    errors_.push_front({now, outcome.connector, outcome.message});
    failing_[outcome.connector] = outcome.message;
  }
  if (errors_.size() > kKept) {
    errors_.pop_back();
  }
  any_failing_ = !failing_.empty();
}

std::vector<admin::RecentErrorEntry> RecentFailures::List() const {
  const std::lock_guard lock(mutex_);
  return {errors_.begin(), errors_.end()};
}

std::map<std::string, std::string> RecentFailures::Failing() const {
  const std::lock_guard lock(mutex_);
  return failing_;
}

admin::Readiness ReadinessOf(const audit::AuditStatus& audit,
                             bool serving,
                             const std::optional<secrets::VaultStatus>& vault) {
  admin::Readiness readiness;
  if (!serving) {
    readiness.reasons.emplace_back("the gRPC endpoint is not open");
  }
  if (!audit.problem.empty()) {
    readiness.reasons.emplace_back("audit records cannot be written: " + audit.problem);
  }
  if (vault) {
    readiness.degraded = secrets::DegradedBy(*vault);
  }
  return readiness;
}

admin::StatusReport StatusOf(const StatusSources& sources, admin::Readiness readiness) {
  admin::StatusReport status;
  status.program = "connector-broker";
  status.version = sources.version;
  status.started_at = sources.started_at;
  status.reasons = std::move(readiness.reasons);
  status.degraded = std::move(readiness.degraded);
  const auto failures = sources.failures->Failing();
  for (const auto& [ref, entry] : sources.catalog->Current()->entries) {
    status.connectors.push_back(ConnectorStatusOf(*entry, failures, sources));
  }
  const RequestMetrics::Totals totals = sources.metrics->totals();
  status.totals = admin::Totals{
      .requests = totals.granted + totals.denied + totals.failed,
      .denied = totals.denied,
      .errors = totals.failed,
      .bytes_down = std::nullopt,
      .bytes_up = std::nullopt,
  };
  status.errors = sources.failures->List();
  const audit::AuditStatus audit = sources.audit->Status();
  status.sections.push_back(
      {"Audit",
       {{"Last record", std::to_string(audit.head.seq)},
        {"Its hash", audit.head.hash},
        {"Writable", audit.problem.empty() ? "yes" : "no: " + audit.problem}}});
  if (sources.vault != nullptr) {
    status.sections.push_back(secrets::VaultSection(sources.vault->Status()));
  }
  status.sections.push_back({"Broker",
                             {{"Data planes that follow", std::to_string(sources.hub->streams())},
                              {"Secret memory", ArenaText()}}});
  return status;
}

}  // namespace connector::broker::app
