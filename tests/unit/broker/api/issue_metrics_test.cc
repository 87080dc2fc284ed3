#include "broker/api/issue_metrics.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace connector::broker::api {
namespace {

IssueOutcome Outcome(v1::DenialReason reason, const std::string& message) {
  IssueOutcome outcome;
  outcome.reason = reason;
  outcome.connector = "default/harbor";
  outcome.message = message;
  return outcome;
}

TEST(IssueMetrics, CountsEveryOutcomeUnderItsOwnName) {
  prometheus::Registry registry;
  IssueMetrics metrics(registry);
  metrics.Issued(Outcome(v1::DENIAL_REASON_UNSPECIFIED, ""));
  metrics.Issued(Outcome(v1::DENIAL_REASON_ACCESS_DENIED, ""));
  metrics.Issued(Outcome(v1::DENIAL_REASON_INVALID_REQUEST, ""));
  metrics.Issued(Outcome(v1::DENIAL_REASON_AUDIT_UNAVAILABLE, ""));

  std::map<std::string, double> counts;
  for (const auto& family : registry.Collect()) {
    for (const auto& metric : family.metric) {
      if (family.name == "connector_broker_issue_total" && metric.counter.value > 0) {
        counts[metric.label.at(0).value] = metric.counter.value;
      }
    }
  }
  EXPECT_EQ(
      counts,
      (std::map<std::string, double>{
          {"granted", 1}, {"access_denied", 1}, {"invalid_request", 1}, {"audit_unavailable", 1}}));
  EXPECT_EQ(metrics.totals().granted, 1U);
  EXPECT_EQ(metrics.totals().denied, 2U);
  EXPECT_EQ(metrics.totals().failed, 1U);
}

}  // namespace
}  // namespace connector::broker::api
