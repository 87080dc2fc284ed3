#include "broker/app/cluster_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::broker::app {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

ClusterStatus Read() {
  ClusterStatus status;
  status.server = "https://api:6443";
  status.read = true;
  status.connectors.synced = true;
  status.classes.synced = true;
  return status;
}

admin::Readiness ReadinessOf(const ClusterStatus& status) {
  admin::Readiness readiness;
  AddTo(readiness, status);
  return readiness;
}

TEST(ClusterReadiness, IsReadyOnceAllWasRead) {
  EXPECT_THAT(ReadinessOf(Read()).reasons, IsEmpty());
  EXPECT_THAT(ReadinessOf(Read()).degraded, IsEmpty());
}

TEST(ClusterReadiness, SaysWhatIsMissing) {
  ClusterStatus status = Read();
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

TEST(ClusterReadiness, IsDegradedAndNoMoreOnceItWasRead) {
  ClusterStatus status = Read();
  status.connectors.failing_since = WallTime{};
  status.connectors.problem = "connection refused";

  EXPECT_THAT(ReadinessOf(status).reasons, IsEmpty());
  EXPECT_THAT(ReadinessOf(status).degraded,
              ElementsAre(AllOf(HasSubstr("1970-01-01T00:00:00Z"),
                                HasSubstr("stay as they were: connection refused"))));
}

secrets::KubeObservation Observation() {
  secrets::KubeObservation out;
  out.known = true;
  out.content.version = "0123456789abcdef";
  out.content.lacks = {{"other.example.com", "no entry for other.example.com"}};
  out.content.ca_pem = "PEM";
  return out;
}

TEST(CredentialStateOfASecret, IsOfTheRegistryThatItIsFor) {
  EXPECT_EQ(CredentialStateOf(Observation(), "harbor.example.com").problem, "");
  EXPECT_EQ(CredentialStateOf(Observation(), "harbor.example.com").version, "0123456789abcdef");
  EXPECT_EQ(CredentialStateOf(Observation(), "other.example.com").problem,
            "no entry for other.example.com");
}

TEST(CredentialStateOfASecret, IsOfTheWholeSecretWhereThatCannotBeUsed) {
  secrets::KubeObservation observed = Observation();
  observed.content = {};
  observed.content.problem = "there is none";

  EXPECT_EQ(CredentialStateOf(observed, "other.example.com").problem, "there is none");
  EXPECT_EQ(CaStateOf(observed).problem, "there is none");
}

TEST(CredentialStateOfASecret, IsNotKnownBeforeTheApiHasTold) {
  EXPECT_FALSE(CredentialStateOf({}, "harbor.example.com").known);
  EXPECT_FALSE(CaStateOf({}).known);
  EXPECT_TRUE(CaStateOf(Observation()).known);
}

TEST(CaStateOfASecret, HasThePemOrSaysWhyNot) {
  EXPECT_EQ(CaStateOf(Observation()).pem, "PEM");
  secrets::KubeObservation observed = Observation();
  observed.content.ca_pem.clear();
  observed.content.ca_problem = "lacks the key ca.crt";
  EXPECT_EQ(CaStateOf(observed).problem, "lacks the key ca.crt");
}

TEST(ClusterSection, ShowsHowOldWhatIsKnownIs) {
  ClusterStatus status = Read();
  status.connector_count = 5;
  status.classes.failing_since = WallTime{};
  status.classes.problem = "connection refused";

  const admin::StatusSection section = ClusterSection(status);

  EXPECT_THAT(section.rows,
              ::testing::IsSupersetOf({Pair("Connectors", "5, up to date"),
                                       Pair("Connector classes",
                                            "0, as of 1970-01-01T00:00:00Z: connection refused")}));
}

}  // namespace
}  // namespace connector::broker::app
