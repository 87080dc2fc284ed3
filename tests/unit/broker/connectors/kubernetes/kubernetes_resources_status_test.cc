#include "broker/connectors/kubernetes/kubernetes_resources_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::broker::connectors {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

KubernetesResourcesStatus Read() {
  KubernetesResourcesStatus status;
  status.server = "https://api:6443";
  status.read = true;
  status.connectors.synced = true;
  status.classes.synced = true;
  return status;
}

admin::Readiness ReadinessOf(const KubernetesResourcesStatus& status) {
  admin::Readiness readiness;
  AddTo(readiness, status);
  return readiness;
}

TEST(KubernetesReadiness, IsReadyOnceAllWasRead) {
  EXPECT_THAT(ReadinessOf(Read()).reasons, IsEmpty());
  EXPECT_THAT(ReadinessOf(Read()).degraded, IsEmpty());
}

TEST(KubernetesReadiness, SaysWhatIsMissing) {
  KubernetesResourcesStatus status = Read();
  status.read = false;
  status.secrets.followed = 7;
  status.secrets.unknown = 3;
  EXPECT_THAT(ReadinessOf(status).reasons, ElementsAre("3 of 7 Secrets were not read yet"));

  status.classes.synced = false;
  EXPECT_THAT(ReadinessOf(status).reasons, ElementsAre(HasSubstr("are being read")));

  status.connectors.failing_since = WallTime{};
  status.connectors.problem = "connection refused";
  EXPECT_THAT(ReadinessOf(status).reasons,
              ElementsAre(AllOf(HasSubstr("https://api:6443"), HasSubstr("connection refused"))));
}

TEST(KubernetesReadiness, IsDegradedAndNoMoreOnceItWasRead) {
  KubernetesResourcesStatus status = Read();
  status.connectors.failing_since = WallTime{};
  status.connectors.problem = "connection refused";

  EXPECT_THAT(ReadinessOf(status).reasons, IsEmpty());
  EXPECT_THAT(ReadinessOf(status).degraded,
              ElementsAre(AllOf(HasSubstr("1970-01-01T00:00:00Z"),
                                HasSubstr("stay as they were: connection refused"))));
}

TEST(KubernetesSection, ShowsHowOldWhatIsKnownIs) {
  KubernetesResourcesStatus status = Read();
  status.connector_count = 5;
  status.classes.failing_since = WallTime{};
  status.classes.problem = "connection refused";

  const admin::StatusSection section = KubernetesSection(status);

  EXPECT_THAT(section.rows,
              ::testing::IsSupersetOf({Pair("Connectors", "5, up to date"),
                                       Pair("Connector classes",
                                            "0, as of 1970-01-01T00:00:00Z: connection refused")}));
}

}  // namespace
}  // namespace connector::broker::connectors
