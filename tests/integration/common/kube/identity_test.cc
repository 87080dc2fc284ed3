#include "tests/integration/common/kube/kube_world.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/scratch_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// As whom the client asks, and whom it takes for the API server.
namespace connector::kube {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing_support::HasError;
using testing_support::HasErrorMessage;
using testing_support::KubeServer;
using testing_support::ReplaceFile;
using testing_support::RunTask;
using testing_support::ScratchDir;
using testing_support::TestCa;

Result<ObjectPtr> GetAs(ClusterConnection settings) {
  ApiClient client(std::move(settings), KubeWorld::Parts());
  constexpr ResourceType kNamespaces{"", "v1", "namespaces", "Namespace", false};
  return RunTask(client.Get(kNamespaces, {"", "default"}, SoonEnough()));
}

ClusterConnection Bare() {
  ClusterConnection settings = KubeWorld::server().Settings();
  settings.token = Secret();
  return settings;
}

TEST(KubeIdentity, IsATokenOfAServiceAccount) {
  KubeWorld world;
  KubeServer& server = KubeWorld::server();
  server.NewServiceAccount(world.ns(), "sa");
  const std::string token = server.Token(world.ns(), "sa", {});

  EXPECT_THAT(GetAs(server.Settings(token)),
              HasErrorMessage(ErrorCode::kPermissionDenied,
                              AllOf(HasSubstr("system:serviceaccount:" + world.ns() + ":sa"),
                                    Not(HasSubstr(token)))));
  server.Grant(
      world.ns(),
      "sa",
      world.ns() + "-reads",
      boost::json::array{boost::json::object{{"apiGroups", boost::json::array{""}},
                                             {"resources", boost::json::array{"namespaces"}},
                                             {"verbs", boost::json::array{"get"}}}},
      true);
  const auto until = SoonEnough();
  while (!GetAs(server.Settings(token)) && std::chrono::steady_clock::now() < until) {
  }
  EXPECT_TRUE(GetAs(server.Settings(token)));
}

TEST(KubeIdentity, IsNobodyWithATokenForAnotherAudience) {
  KubeWorld world;
  KubeWorld::server().NewServiceAccount(world.ns(), "sa");

  EXPECT_THAT(GetAs(KubeWorld::server().Settings(
                  KubeWorld::server().Token(world.ns(), "sa", {.audience = "oci-connector"}))),
              HasError(ErrorCode::kUnauthenticated));
}

TEST(KubeIdentity, FollowsATokenThatIsReplacedInItsFile) {
  KubeServer& server = KubeWorld::server();
  const ScratchDir dir;
  ReplaceFile(dir / "token", "a-token-that-is-no-more");
  ClusterConnection settings = Bare();
  settings.token_file = dir / "token";
  ApiClient client(std::move(settings), KubeWorld::Parts());
  EXPECT_THAT(RunTask(client.GetRaw("/api/v1/namespaces/default", SoonEnough())),
              HasError(ErrorCode::kUnauthenticated));

  ReplaceFile(dir / "token", server.admin_token() + "\n");

  EXPECT_TRUE(RunTask(client.GetRaw("/api/v1/namespaces/default", SoonEnough())));
}

TEST(KubeIdentity, IsAClientCertificateInFilesOrInMemory) {
  const auto identity = KubeWorld::server().ca().Issue({.common_name = "kubelet-of-the-test"});
  const ScratchDir dir;
  ReplaceFile(dir / "c.crt", identity.certificate_pem);
  ReplaceFile(dir / "c.key", identity.key_pem);
  ClusterConnection files = Bare();
  files.client_cert_file = dir / "c.crt";
  files.client_key_file = dir / "c.key";
  ClusterConnection memory = Bare();
  memory.client_cert_pem = identity.certificate_pem;
  memory.client_key_pem = Secret(identity.key_pem);

  const auto known =
      HasErrorMessage(ErrorCode::kPermissionDenied, HasSubstr("kubelet-of-the-test"));
  EXPECT_THAT(GetAs(std::move(files)), known);
  EXPECT_THAT(GetAs(std::move(memory)), known);
}

TEST(KubeIdentity, IsTakenFromAKubeconfigFile) {
  const ScratchDir dir;
  ReplaceFile(dir / "ca.crt", KubeWorld::server().ca().pem());
  ReplaceFile(dir / "config",
              "current-context: a\ncontexts: [{name: a, context: {cluster: a, user: a}}]\n"
              "clusters: [{name: a, cluster: {certificate-authority: ca.crt, server: \"" +
                  KubeWorld::server().address().ToString() +
                  "\"}}]\nusers: [{name: a, user: {token: " + KubeWorld::server().admin_token() +
                  "}}]\n");

  EXPECT_TRUE(GetAs(*KubeconfigConnection(dir / "config", "")));
}

TEST(KubeServerIdentity, IsRefusedWhenAnotherCaSignedIt) {
  const TestCa other;
  ClusterConnection settings = KubeWorld::server().Settings();
  settings.ca_pem = other.pem();

  EXPECT_THAT(GetAs(std::move(settings)),
              HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("is not trusted")));
}

TEST(KubeServerIdentity, IsRefusedUnderAnotherName) {
  ClusterConnection settings = KubeWorld::server().Settings();
  settings.server_name = "kubernetes.example.com";

  EXPECT_THAT(GetAs(std::move(settings)),
              HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("another name")));
}

TEST(KubeServerIdentity, IsNeverVouchedForByTheWebsAuthorities) {
  ClusterConnection settings = KubeWorld::server().Settings();
  settings.ca_pem.clear();

  EXPECT_THAT(GetAs(std::move(settings)),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("no CA of the API server")));
}

TEST(KubeServerIdentity, FollowsACaThatIsReplacedInItsFile) {
  const ScratchDir dir;
  ReplaceFile(dir / "ca.crt", KubeWorld::server().ca().pem());
  ClusterConnection settings = KubeWorld::server().Settings();
  settings.ca_pem.clear();
  settings.ca_file = dir / "ca.crt";

  EXPECT_TRUE(GetAs(std::move(settings)));
}

}  // namespace
}  // namespace connector::kube
