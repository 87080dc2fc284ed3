#include "broker/audit/audit_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::broker::audit {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(AuditReadiness, IsLostWhileRecordsCannotBeWritten) {
  AuditStatus status;
  admin::Readiness readiness;
  AddTo(readiness, status);
  EXPECT_THAT(readiness.reasons, IsEmpty());

  status.problem = "disk full";
  AddTo(readiness, status);
  EXPECT_THAT(readiness.reasons, ElementsAre("audit records cannot be written: disk full"));
}

TEST(AuditSection, ShowsTheHeadAndWhyNothingIsWritten) {
  AuditStatus status;
  status.head.seq = 7;
  EXPECT_THAT(AuditSection(status).rows, Contains(Pair("Last record", "7")));
  EXPECT_THAT(AuditSection(status).rows, Contains(Pair("Writable", "yes")));

  status.problem = "disk full";
  EXPECT_THAT(AuditSection(status).rows, Contains(Pair("Writable", "no: disk full")));
}

TEST(AuditReadiness, IsDegradedWhileALossIsNotLookedAt) {
  AuditStatus status;
  status.losses = {1, "file F was removed"};
  status.head_problem = "read-only";
  admin::Readiness readiness;
  AddTo(readiness, status);
  EXPECT_THAT(readiness.reasons, IsEmpty());
  EXPECT_THAT(readiness.degraded,
              ElementsAre("audit records were lost: file F was removed",
                          "the audit's head file cannot be written: read-only"));
}

TEST(AuditSection, ShowsTheHeadFileAndLosses) {
  AuditStatus status;
  EXPECT_THAT(AuditSection(status).rows, Contains(Pair("Head file", "none: set audit.headFile")));
  EXPECT_THAT(AuditSection(status).rows, Contains(Pair("Lost", "nothing was noticed")));

  status.head_file = "/head";
  status.losses = {1, "file F was removed"};
  EXPECT_THAT(AuditSection(status).rows, Contains(Pair("Head file", "/head")));
  EXPECT_THAT(AuditSection(status).rows, Contains(Pair("Lost", "file F was removed")));

  status.head_problem = "read-only";
  EXPECT_THAT(AuditSection(status).rows, Contains(Pair("Head file", "failing: read-only")));
}

double MetricOf(const AuditStatus& status, const std::string& name) {
  for (const prometheus::MetricFamily& family : CollectAuditState(status)) {
    if (family.name == name) {
      return family.metric.front().gauge.value + family.metric.front().counter.value;
    }
  }
  return -1;
}

TEST(CollectAuditState, SaysWhetherRecordsAreWritten) {
  AuditStatus status;
  EXPECT_EQ(MetricOf(status, "connector_broker_audit_writable"), 1);
  status.problem = "disk full";
  EXPECT_EQ(MetricOf(status, "connector_broker_audit_writable"), 0);
}

TEST(CollectAuditState, SaysWhetherTheHeadFileIsKept) {
  AuditStatus status;
  EXPECT_EQ(MetricOf(status, "connector_broker_audit_head_file_writable"), 0);
  status.head_file = "/head";
  EXPECT_EQ(MetricOf(status, "connector_broker_audit_head_file_writable"), 1);
  status.head_problem = "read-only";
  EXPECT_EQ(MetricOf(status, "connector_broker_audit_head_file_writable"), 0);
}

TEST(CollectAuditState, CountsLossesAndRefusalsWithoutARecord) {
  AuditStatus status;
  status.losses.count = 2;
  status.refusals_counted = 7;
  EXPECT_EQ(MetricOf(status, "connector_broker_audit_losses_total"), 2);
  EXPECT_EQ(MetricOf(status, "connector_broker_audit_refusals_counted_total"), 7);
}

}  // namespace
}  // namespace connector::broker::audit
