#include "broker/api/issue_failures.h"

#include "broker/api/issue_metrics.h"

namespace connector::broker::api {

void IssueFailures::Note(const IssueOutcome& outcome, WallTime now) {
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

std::vector<admin::RecentErrorEntry> IssueFailures::List() const {
  const std::lock_guard lock(mutex_);
  return {errors_.begin(), errors_.end()};
}

std::map<std::string, std::string> IssueFailures::Failing() const {
  const std::lock_guard lock(mutex_);
  return failing_;
}

}  // namespace connector::broker::api
