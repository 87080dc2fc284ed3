#include "csi/publish/resolver.h"

#include "tests/support/cpp/ca_pem.h"
#include "tests/support/cpp/csi_cluster.h"
#include "tests/support/cpp/run_task.h"
#include "tests/support/cpp/scratch_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

namespace connector::csi::publish {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::VariantWith;
using testing_support::CsiCluster;
using testing_support::RunTask;

auto Fails(Reason reason, const std::string& says) {
  return VariantWith<PublishFailure>(AllOf(Field(&PublishFailure::reason, reason),
                                           Field(&PublishFailure::message, HasSubstr(says))));
}

class ResolverTest : public ::testing::Test {
 protected:
  VolumeResolver::Answer Resolve(std::vector<ConnectorRef> connectors,
                                 Stage stage = Stage::kMount) {
    volume::VolumeAttributes attributes;
    attributes.pod = {"ci", "build-1", "uid", "builder"};
    attributes.connectors = std::move(connectors);
    return RunTask(resolver_.Resolve(std::move(attributes), stage, Deadline::max()));
  }

  testing_support::ScratchDir scratch_;
  CsiCluster cluster_;
  cluster::ProxyAccessChecker access_checker_{
      [this](boost::json::object, Deadline) { return cluster_.Review(); }};
  ResolverOptions options_{{"registry-config"}, true, scratch_ / "ca.crt"};
  VolumeResolver resolver_{options_, [this] { return cluster_.Current(); }, access_checker_};
};

class ReadyResolverTest : public ResolverTest {
 protected:
  ReadyResolverTest() {
    std::ofstream(scratch_ / "ca.crt") << "the CA";
    cluster_.PutConnector("ci", "harbor");
    cluster_.PutConnector("shared", "hub");
  }
};

TEST_F(ReadyResolverTest, FindsWhatTheFilesAreMadeOf) {
  const VolumeResolver::Answer answer = Resolve({{"ci", "harbor"}, {"shared", "hub"}});

  ASSERT_TRUE(std::holds_alternative<VolumeResolver::Resolved>(answer))
      << std::get<PublishFailure>(answer).message;
  const auto& [request, strict] = std::get<VolumeResolver::Resolved>(answer);
  EXPECT_TRUE(strict.empty());
  ASSERT_EQ(request.connectors.size(), 2U);
  EXPECT_EQ(request.connectors[0].host, "c-harbor.ci.svc");
  EXPECT_EQ(request.connectors[0].upstream_host, "harbor.example.com");
  EXPECT_TRUE(request.connectors[0].tls);
  EXPECT_EQ(request.connectors[1].ref, (ConnectorRef{"shared", "hub"}));
  EXPECT_EQ(request.ca_bundle, "the CA");
  EXPECT_THAT(request.configurations, ElementsAre("registry-config"));
}

TEST_F(ReadyResolverTest, SaysThatAConnectorOfThePodsNamespaceIsMissing) {
  EXPECT_THAT(Resolve({{"ci", "harbour"}}),
              Fails(Reason::kNoConnector, "connector \"ci/harbour\" not found"));
  EXPECT_EQ(cluster_.reviews, 0);
}

TEST_F(ReadyResolverTest, DoesNotTellWhatIsInANamespaceThatThePodMayNotUse) {
  cluster_.review = CsiCluster::Allowed(false);

  EXPECT_THAT(Resolve({{"shared", "hub"}}),
              Fails(Reason::kNotGranted,
                    "connector \"shared/hub\" is not granted to the "
                    "ServiceAccount ci/builder"));
  EXPECT_THAT(Resolve({{"shared", "nothing"}}),
              Fails(Reason::kNotGranted,
                    "connector \"shared/nothing\" is not granted to the "
                    "ServiceAccount ci/builder"));
}

TEST_F(ReadyResolverTest, AsksForRightsInThePodsOwnNamespaceToo) {
  cluster_.review = CsiCluster::Allowed(false);

  EXPECT_THAT(Resolve({{"ci", "harbor"}}), Fails(Reason::kNotGranted, "get on connectors/proxy"));
}

TEST_F(ReadyResolverTest, RefusesAConnectorThatIsNotReadyAndSaysWhy) {
  cluster_.PutConnector(
      "ci",
      "harbor",
      R"([{"type":"SecretReady","status":"False","reason":"SecretNotFound","message":"no Secret"},
          {"type":"Ready","status":"False"}])");

  EXPECT_THAT(Resolve({{"ci", "harbor"}}),
              Fails(Reason::kNotReady,
                    "connector \"ci/harbor\" is not ready: SecretReady is False (SecretNotFound): "
                    "no Secret (kubectl -n ci describe connector harbor)"));
}

TEST_F(ReadyResolverTest, RefreshesALivingMountWithoutAskingAndEvenIfTheRegistryIsDown) {
  cluster_.PutConnector("ci", "harbor", R"([{"type":"Ready","status":"False"}])");
  cluster_.review = CsiCluster::Allowed(false);

  EXPECT_THAT(Resolve({{"ci", "harbor"}}, Stage::kRefresh),
              VariantWith<VolumeResolver::Resolved>(::testing::_));
  EXPECT_EQ(cluster_.reviews, 0);
}

TEST_F(ReadyResolverTest, CannotRefreshWhatIsGone) {
  EXPECT_THAT(Resolve({{"shared", "gone"}}, Stage::kRefresh),
              Fails(Reason::kNoConnector, "\"shared/gone\""));
}

TEST_F(ReadyResolverTest, ComesAgainWhenTheApiDoesNotAnswer) {
  cluster_.review = MakeError(ErrorCode::kUnavailable, ErrorOrigin::kUpstream, "down");

  EXPECT_THAT(Resolve({{"ci", "harbor"}}), Fails(Reason::kApi, "could not be asked"));
}

TEST_F(ReadyResolverTest, ComesAgainBeforeTheClusterWasRead) {
  cluster_.synced = false;

  EXPECT_THAT(Resolve({{"ci", "harbor"}}), Fails(Reason::kApi, "has not read"));
}

TEST_F(ReadyResolverTest, WaitsForTheControllerToSayWhereTheConnectorIs) {
  cluster_.PutConnector("ci", "harbor", "[]", R"({})");

  EXPECT_THAT(Resolve({{"ci", "harbor"}}), Fails(Reason::kNotReady, "has not looked at it yet"));
}

TEST_F(ReadyResolverTest, NamesTheClassThatDoesNotExist) {
  cluster_.PutConnector(
      "ci", "harbor", R"([{"type":"Ready","status":"True"}])", R"({"connectorClassName":"team"})");

  EXPECT_THAT(Resolve({{"ci", "harbor"}}),
              Fails(Reason::kNotReady, "has the class team, which does not exist"));
}

TEST_F(ReadyResolverTest, FollowsTheClassWhenItChanges) {
  const auto names = [this] {
    const VolumeResolver::Answer answer = Resolve({{"ci", "harbor"}});
    const auto& request = std::get<VolumeResolver::Resolved>(answer).request;
    return request.connectors[0].configurations->front().name;
  };
  constexpr const char* kOne = R"({"configurations":[{"name":"one","files":{"a.txt":"x"}}]})";
  constexpr const char* kTwo = R"({"configurations":[{"name":"two","files":{"a.txt":"x"}}]})";

  cluster_.PutClass("oci", kOne, "1");
  EXPECT_EQ(names(), "one");
  cluster_.PutClass("oci", kTwo, "2");
  EXPECT_EQ(names(), "two");
}

TEST_F(ReadyResolverTest, SaysWhichConnectorsAcceptTheirOwnAudienceAlone) {
  constexpr const char* kReady = R"([{"type":"Ready","status":"True"}])";
  cluster_.PutConnector("ci", "own", kReady, R"({"requireConnectorAudience":true})");
  cluster_.PutConnector("ci", "by-class", kReady, R"({"connectorClassName":"strict"})");
  cluster_.PutConnector("ci", "neither", kReady, R"({"requireConnectorAudience":false})");
  cluster_.PutClass("strict", R"({"requireConnectorAudience":true})", "1");

  const VolumeResolver::Answer answer =
      Resolve({{"ci", "own"}, {"ci", "by-class"}, {"ci", "neither"}});

  ASSERT_TRUE(std::holds_alternative<VolumeResolver::Resolved>(answer))
      << std::get<PublishFailure>(answer).message;
  EXPECT_THAT(std::get<VolumeResolver::Resolved>(answer).strict,
              ElementsAre(ConnectorRef{"ci", "by-class"}, ConnectorRef{"ci", "own"}));
}

TEST_F(ReadyResolverTest, SaysWhatIsWrongWithAClass) {
  cluster_.PutClass("oci", R"({"configurations":[{"name":"A B","files":{"a.txt":"x"}}]})", "1");

  EXPECT_THAT(Resolve({{"ci", "harbor"}}),
              Fails(Reason::kNotReady, "has a class that cannot be used: "));
}

// Where the driver's own configuration says nothing of TLS.
class StatusResolverTest : public ResolverTest {
 protected:
  StatusResolverTest() { options_ = {{"registry-config"}, false, ""}; }

  VolumeResolver::Answer Answer(std::vector<ConnectorRef> connectors) {
    VolumeResolver resolver(
        options_, [this] { return cluster_.Current(); }, access_checker_);
    volume::VolumeAttributes attributes;
    attributes.pod = {"ci", "build-1", "uid", "builder"};
    attributes.connectors = std::move(connectors);
    return RunTask(resolver.Resolve(std::move(attributes), Stage::kMount, Deadline::max()));
  }
  VolumeResolver::Answer Harbor() { return Answer({{"ci", "harbor"}}); }
  render::VolumeRequest RequestOf(std::vector<ConnectorRef> connectors) {
    VolumeResolver::Answer answer = Answer(std::move(connectors));
    if (const auto* failure = std::get_if<PublishFailure>(&answer)) {
      ADD_FAILURE() << failure->message;
      return {};
    }
    return std::move(std::get<VolumeResolver::Resolved>(answer).request);
  }

  const std::string ca_ = testing_support::MakeCaPem();
};

TEST_F(StatusResolverTest, TakesTheCaThatTheStatusOfTheConnectorsHas) {
  cluster_.PutConnectorAt("ci", "harbor", {{"url", "https://c-harbor.ci.svc"}, {"caCerts", ca_}});
  cluster_.PutConnectorAt("ci", "quay", {{"url", "https://c-quay.ci.svc"}, {"caCerts", ca_}});

  const render::VolumeRequest request = RequestOf({{"ci", "harbor"}, {"ci", "quay"}});

  EXPECT_TRUE(request.connectors[0].tls);
  EXPECT_EQ(request.connectors[0].host, "c-harbor.ci.svc");
  EXPECT_EQ(request.ca_bundle, ca_) << "once";
}

TEST_F(StatusResolverTest, SpeaksPlainHttpWhereTheUrlSaysSo) {
  cluster_.PutConnectorAt("ci", "quay", {{"url", "http://c-quay.ci.svc"}, {"caCerts", ca_}});

  const render::VolumeRequest request = RequestOf({{"ci", "quay"}});

  EXPECT_FALSE(request.connectors[0].tls);
  EXPECT_EQ(request.ca_bundle, "");
}

// With plain HTTP in its place the pod's token would go over the network in clear text.
TEST_F(StatusResolverTest, WaitsForTheCaOfAnAddressWithTls) {
  cluster_.PutConnectorAt("ci", "harbor", {{"url", "https://c-harbor.ci.svc"}});
  EXPECT_THAT(Harbor(), Fails(Reason::kNotReady, "has no caCerts to verify it by yet"));
}

// The driver's configuration is the last word: the certificate may be somebody else's.
TEST_F(StatusResolverTest, LeavesTheCaToTheConfiguration) {
  options_.tls = true;
  cluster_.PutConnectorAt("ci", "harbor", {{"url", "https://c-harbor.ci.svc"}, {"caCerts", ca_}});

  const render::VolumeRequest request = RequestOf({{"ci", "harbor"}});

  EXPECT_TRUE(request.connectors[0].tls);
  EXPECT_EQ(request.ca_bundle, "");
}

TEST_F(StatusResolverTest, RefusesACaThatIsNone) {
  cluster_.PutConnectorAt("ci", "harbor", {{"url", "https://c-harbor.ci.svc"}, {"caCerts", "x"}});
  EXPECT_THAT(Harbor(), Fails(Reason::kNotReady, "caCerts cannot be used"));
}

TEST_F(ResolverTest, SaysThatTheCaIsGone) {
  cluster_.PutConnector("ci", "harbor");

  EXPECT_THAT(Resolve({{"ci", "harbor"}}), Fails(Reason::kFileSystem, "CA cannot be read"));
}

}  // namespace
}  // namespace connector::csi::publish
