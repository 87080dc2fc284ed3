#include "csi/app/status.h"

#include <utility>

namespace connector::csi::app {

void RecentCallFailures::Note(const rpc::CallReport& report,
                              const publish::PublishFailure& failure,
                              WallTime now) {
  const std::lock_guard lock(mutex_);
  errors_.push_front({now, {}, std::string(report.call) + ": " + failure.message});
  if (errors_.size() > kKept) {
    errors_.pop_back();
  }
}

std::vector<admin::RecentErrorEntry> RecentCallFailures::List() const {
  const std::lock_guard lock(mutex_);
  return {errors_.begin(), errors_.end()};
}

admin::StatusReport StatusOf(const CsiStatusSources& facts,
                             admin::Readiness readiness,
                             std::vector<admin::RecentErrorEntry> errors) {
  admin::StatusReport status;
  status.program = "connector-csi";
  status.version = facts.version;
  status.started_at = facts.started_at;
  status.reasons = std::move(readiness.reasons);
  status.degraded = std::move(readiness.degraded);
  status.totals = admin::Totals{.requests = facts.totals.calls,
                                .denied = facts.totals.refused,
                                .errors = facts.totals.failed,
                                .bytes_down = std::nullopt,
                                .bytes_up = std::nullopt};
  status.errors = std::move(errors);
  status.sections.push_back({"Driver",
                             {{"Name", facts.driver_name},
                              {"Node", facts.node_id},
                              {"Mounted volumes", std::to_string(facts.volumes)},
                              {"Connectors known", std::to_string(facts.connectors)}}});
  return status;
}

}  // namespace connector::csi::app
