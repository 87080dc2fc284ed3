#pragma once

// What the controller's status page shows. No secrets: the controller has none to show.

#include "common/admin/admin_server.h"
#include "common/admin/status_report.h"
#include "common/kube/informer.h"
#include "controller/election/elector.h"
#include "controller/view/cluster_view.h"

#include <string>

namespace connector::controller::app {

struct ControllerStatusSources {
  const ClusterView* view = nullptr;
  const election::Elector* elector = nullptr;
  std::string lease;
  std::string broker_address;
  bool broker_available = true;
};

[[nodiscard]] admin::Readiness ReadinessOf(const ClusterView& view, bool stopping);
void AddStatus(const ControllerStatusSources& sources, admin::StatusReport& out);
// One row per Connector, from what its conditions say.
[[nodiscard]] admin::ConnectorStatus RowOf(const kube::Object& connector);

}  // namespace connector::controller::app
