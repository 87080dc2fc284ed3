#pragma once

// What the status page of the driver shows. No token, and no name of a connector's user but the pod
// in a recent failure's sentence.

#include "common/admin/status_report.h"
#include "common/base/clock.h"
#include "csi/app/metrics.h"

#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace connector::csi::app {

// The last failures of calls. Thread-safe.
class RecentCallFailures {
 public:
  void Note(const rpc::CallReport& report, const publish::PublishFailure& failure, WallTime now);
  [[nodiscard]] std::vector<admin::RecentErrorEntry> List() const;

 private:
  static constexpr std::size_t kKept = 20;

  mutable std::mutex mutex_;
  std::deque<admin::RecentErrorEntry> errors_;  // Newest first.
};

struct CsiStatusSources {
  std::string driver_name;
  std::string node_id;
  std::size_t connectors = 0;
  std::size_t volumes = 0;
  CsiMetrics::Totals totals;
};

void AddStatus(const CsiStatusSources& sources,
               std::vector<admin::RecentErrorEntry> errors,
               admin::StatusReport& status);

}  // namespace connector::csi::app
