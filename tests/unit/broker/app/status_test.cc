#include "broker/app/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::broker::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

api::IssueOutcome Outcome(v1::DenialReason reason, const std::string& message) {
  api::IssueOutcome outcome;
  outcome.reason = reason;
  outcome.connector = "default/harbor";
  outcome.message = message;
  return outcome;
}

TEST(Readiness, NamesEveryReason) {
  audit::AuditStatus audit;
  EXPECT_THAT(ReadinessOf(audit, true, {}).reasons, IsEmpty());
  audit.problem = "disk full";
  EXPECT_THAT(
      ReadinessOf(audit, false, {}).reasons,
      ElementsAre("the gRPC endpoint is not open", "audit records cannot be written: disk full"));
}

TEST(Readiness, IsDegradedAndNoMoreWhenVaultIsAway) {
  secrets::VaultStatus vault;
  EXPECT_THAT(ReadinessOf({}, true, vault).degraded, IsEmpty());

  vault.problem = "https://vault.test:8200 does not answer";
  vault.reachable = false;
  EXPECT_THAT(ReadinessOf({}, true, vault).reasons, IsEmpty());
  EXPECT_THAT(ReadinessOf({}, true, vault).degraded,
              ElementsAre("Vault cannot be used: https://vault.test:8200 does not answer"));

  vault.sealed = true;
  EXPECT_THAT(ReadinessOf({}, true, vault).degraded, ElementsAre(HasSubstr("Vault is sealed")));
}

TEST(RecentFailures, KeepWhatIsNotTheCallersDoingNewestFirst) {
  RecentFailures failures;
  failures.Note(Outcome(v1::DENIAL_REASON_UNSPECIFIED, ""), {});
  failures.Note(Outcome(v1::DENIAL_REASON_ACCESS_DENIED, "denied"), {});
  failures.Note(Outcome(v1::DENIAL_REASON_CALLER_UNAUTHENTICATED, "who"), {});
  failures.Note(Outcome(v1::DENIAL_REASON_UPSTREAM_TIMEOUT, "slow"), {});
  failures.Note(Outcome(v1::DENIAL_REASON_UPSTREAM_REFUSED, "refused"), {});

  ASSERT_THAT(failures.List(), SizeIs(2));
  EXPECT_EQ(failures.List()[0].message, "refused");
  EXPECT_EQ(failures.Failing().at("default/harbor"), "refused");
}

TEST(RecentFailures, ForgetThatAConnectorFailsOnceItSucceeds) {
  RecentFailures failures;
  failures.Note(Outcome(v1::DENIAL_REASON_UPSTREAM_TIMEOUT, "slow"), {});
  failures.Note(Outcome(v1::DENIAL_REASON_UNSPECIFIED, ""), {});

  EXPECT_THAT(failures.Failing(), IsEmpty());
  EXPECT_THAT(failures.List(), SizeIs(1));
}

TEST(RecentFailures, KeepOnlySoMany) {
  RecentFailures failures;
  for (std::size_t i = 0; i < 2 * RecentFailures::kKept; ++i) {
    failures.Note(Outcome(v1::DENIAL_REASON_UPSTREAM_TIMEOUT, "slow"), {});
  }
  EXPECT_THAT(failures.List(), SizeIs(RecentFailures::kKept));
}

TEST(RequestMetrics, CountsEveryOutcomeUnderItsOwnName) {
  prometheus::Registry registry;
  RequestMetrics metrics(registry);
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
}  // namespace connector::broker::app
