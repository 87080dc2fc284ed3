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

void AddStatus(const CsiStatusSources& sources,
               std::vector<admin::RecentErrorEntry> errors,
               admin::StatusReport& status) {
  status.totals = admin::Totals{.requests = sources.totals.calls,
                                .denied = sources.totals.refused,
                                .errors = sources.totals.failed,
                                .bytes_down = std::nullopt,
                                .bytes_up = std::nullopt};
  status.errors = std::move(errors);
  status.sections.push_back({"Driver",
                             {{"Name", sources.driver_name},
                              {"Node", sources.node_id},
                              {"Mounted volumes", std::to_string(sources.volumes)},
                              {"Connectors known", std::to_string(sources.connectors)}}});
}

}  // namespace connector::csi::app
