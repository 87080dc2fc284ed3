#include "controller/app/status.h"

#include "controller/json/read.h"
#include "controller/status/condition.h"

#include <utility>
#include <vector>

namespace connector::controller::app {
namespace {

std::string HealthOf(const std::vector<status::Condition>& conditions) {
  const status::Condition* ready = status::Find(conditions, status::kTypes[status::kReady]);
  if (ready == nullptr || ready->state.status == status::ConditionStatus::kUnknown) {
    return "unknown";
  }
  return ready->state.status == status::ConditionStatus::kTrue ? "ok" : "failing";
}

}  // namespace

admin::Readiness ReadinessOf(const ClusterView& view, bool stopping) {
  admin::Readiness readiness;
  readiness.reasons = view.NotSynced();
  readiness.degraded = view.Failing();
  if (stopping) {
    readiness.reasons.push_back("stopping");
  }
  return readiness;
}

admin::ConnectorStatus RowOf(const kube::Object& connector) {
  const boost::json::object nothing;
  const boost::json::object* spec = ObjectAt(connector.json(), "spec");
  const boost::json::object* found = ObjectAt(connector.json(), "status");
  admin::ConnectorStatus row;
  row.name = connector.name().ToString();
  row.address = TextAt(spec == nullptr ? nothing : *spec, "address");
  row.secret_class = TextAt(found == nullptr ? nothing : *found, "secretClass");
  const std::vector<status::Condition> conditions = status::ReadConditions(connector.json());
  row.health = HealthOf(conditions);
  const status::Condition* ready = status::Find(conditions, status::kTypes[status::kReady]);
  if (ready != nullptr && ready->state.status != status::ConditionStatus::kTrue) {
    row.problem = ready->state.reason + ": " + ready->state.message;
  }
  return row;
}

void AddStatus(const ControllerStatusSources& sources, admin::StatusReport& out) {
  const std::shared_ptr<const kube::Store> connectors = sources.view->connectors();
  for (const auto& [name, object] : connectors->objects) {
    out.connectors.push_back(RowOf(*object));
  }
  const election::LeaderView leader = sources.elector->View();
  out.sections.push_back({"Leader election",
                          {{"This replica", leader.leading ? "leads" : "stands by"},
                           {"Lease", sources.lease},
                           {"Holder", leader.holder.empty() ? "nobody" : leader.holder},
                           {"Transitions", std::to_string(leader.transitions)}}});
  out.sections.push_back(
      {"Broker",
       {{"Address", sources.broker_address},
        {"Probes", sources.broker_available ? "are answered" : "get no answer"}}});
}

}  // namespace connector::controller::app
