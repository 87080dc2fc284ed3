#include "common/kube/cluster_connection.h"

#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/scratch_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace connector::kube {
namespace {

using ::testing::HasSubstr;
using testing_support::HasErrorMessage;
using testing_support::ReplaceFile;
using testing_support::ScratchDir;

class InCluster : public ::testing::Test {
 protected:
  void SetUp() override {
    Say("10.96.0.1", "443");
    ReplaceFile(dir_ / "ca.crt", "ca");
    ReplaceFile(dir_ / "token", "token");
    ReplaceFile(dir_ / "namespace", "oci-connector\n");
  }
  void TearDown() override {
    ::unsetenv("KUBERNETES_SERVICE_HOST");
    ::unsetenv("KUBERNETES_SERVICE_PORT");
  }
  static void Say(const char* host, const char* port) {
    ::setenv("KUBERNETES_SERVICE_HOST", host, 1);
    ::setenv("KUBERNETES_SERVICE_PORT", port, 1);
  }
  Result<ClusterConnection> Read() const { return InClusterConnection(dir_.path()); }

  const ScratchDir dir_;
};

TEST_F(InCluster, ReadsWhatAPodFinds) {
  const auto settings = Read();

  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->server.ToString(), "https://10.96.0.1");
  EXPECT_EQ(settings->ca_file, dir_ / "ca.crt");
  EXPECT_EQ(settings->token_file, dir_ / "token");
  EXPECT_EQ(settings->ns, "oci-connector");
}

TEST_F(InCluster, TakesAnIpv6Address) {
  Say("fd00::1", "6443");

  EXPECT_EQ(Read()->server.ToString(), "https://[fd00::1]:6443");
}

TEST_F(InCluster, WantsAKubeconfigOutsideAPod) {
  TearDown();

  EXPECT_THAT(Read(),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("name a kubeconfigFile")));
}

TEST_F(InCluster, SaysThatTheTokenIsNotMounted) {
  std::filesystem::remove(dir_ / "token");

  EXPECT_THAT(Read(),
              HasErrorMessage(ErrorCode::kInvalidArgument,
                              HasSubstr("needs its ServiceAccount token mounted")));
}

TEST_F(InCluster, RefusesAnAddressThatIsNone) {
  Say("a host", "443");

  EXPECT_THAT(Read(), HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("no address")));
}

}  // namespace
}  // namespace connector::kube
