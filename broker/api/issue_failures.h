#pragma once

// What went wrong lately with IssueToken, for the status page.

#include "broker/api/issue_token_handler.h"
#include "common/admin/status_report.h"
#include "common/base/clock.h"

#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace connector::broker::api {

// The last failures that are not the caller's doing, newest first; and of each connector that has
// not succeeded since, its last. Thread-safe.
class IssueFailures {
 public:
  static constexpr std::size_t kKept = admin::kMaxRecentErrors;

  void Note(const IssueOutcome& outcome, WallTime now);
  [[nodiscard]] std::vector<admin::RecentErrorEntry> List() const;
  [[nodiscard]] std::map<std::string, std::string> Failing() const;  // By connector.

 private:
  mutable std::mutex mutex_;
  std::deque<admin::RecentErrorEntry> errors_;
  std::map<std::string, std::string> failing_;
  std::atomic<bool> any_failing_ = false;  // Spares the usual case, a success, the lock.
};

}  // namespace connector::broker::api
