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

TEST(CollectAuditState, SayWhetherRecordsAreWritten) {
  AuditStatus status;
  EXPECT_EQ(CollectAuditState(status).back().metric.front().gauge.value, 1);
  status.problem = "disk full";
  EXPECT_EQ(CollectAuditState(status).back().metric.front().gauge.value, 0);
}

}  // namespace
}  // namespace connector::broker::audit
