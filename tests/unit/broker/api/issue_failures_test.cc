#include "broker/api/issue_failures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::broker::api {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

IssueOutcome FailureOutcome(v1::DenialReason reason, const std::string& message) {
  IssueOutcome outcome;
  outcome.reason = reason;
  outcome.connector = "default/harbor";
  outcome.message = message;
  return outcome;
}

TEST(IssueFailures, KeepWhatIsNotTheCallersDoingNewestFirst) {
  IssueFailures failures;
  failures.Note(FailureOutcome(v1::DENIAL_REASON_UNSPECIFIED, ""), {});
  failures.Note(FailureOutcome(v1::DENIAL_REASON_ACCESS_DENIED, "denied"), {});
  failures.Note(FailureOutcome(v1::DENIAL_REASON_CALLER_UNAUTHENTICATED, "who"), {});
  failures.Note(FailureOutcome(v1::DENIAL_REASON_UPSTREAM_TIMEOUT, "slow"), {});
  failures.Note(FailureOutcome(v1::DENIAL_REASON_UPSTREAM_REFUSED, "refused"), {});

  ASSERT_THAT(failures.List(), SizeIs(2));
  EXPECT_EQ(failures.List()[0].message, "refused");
  EXPECT_EQ(failures.Failing().at("default/harbor"), "refused");
}

TEST(IssueFailures, ForgetThatAConnectorFailsOnceItSucceeds) {
  IssueFailures failures;
  failures.Note(FailureOutcome(v1::DENIAL_REASON_UPSTREAM_TIMEOUT, "slow"), {});
  failures.Note(FailureOutcome(v1::DENIAL_REASON_UNSPECIFIED, ""), {});

  EXPECT_THAT(failures.Failing(), IsEmpty());
  EXPECT_THAT(failures.List(), SizeIs(1));
}

TEST(IssueFailures, KeepOnlySoMany) {
  IssueFailures failures;
  for (std::size_t i = 0; i < 2 * IssueFailures::kKept; ++i) {
    failures.Note(FailureOutcome(v1::DENIAL_REASON_UPSTREAM_TIMEOUT, "slow"), {});
  }
  EXPECT_THAT(failures.List(), SizeIs(IssueFailures::kKept));
}

}  // namespace
}  // namespace connector::broker::api
