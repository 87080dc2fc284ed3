#include "csi/rpc/csi_convert.h"

#include "tests/support/cpp/result_matchers.h"

#include "proto/csi/v1/csi.pb.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace connector::csi::rpc {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;
using testing_support::HasErrorMessage;

constexpr const char* kTokens = "csi.storage.k8s.io/serviceAccount.tokens";

::csi::v1::NodePublishVolumeRequest Request() {
  ::csi::v1::NodePublishVolumeRequest request;
  request.set_volume_id("csi-1");
  request.set_target_path("/pods/x");
  request.mutable_volume_capability()->mutable_mount();
  return request;
}

TEST(FromProto, TakesTheTokensOfOlderKubeletsOutOfTheAttributes) {
  auto request = Request();
  (*request.mutable_volume_context())[kTokens] = "older";
  (*request.mutable_volume_context())["connectors"] = "a";

  const auto converted = FromProto(request);

  ASSERT_TRUE(converted.has_value());
  EXPECT_EQ(converted->tokens.Reveal(), "older");
  EXPECT_THAT(converted->context, Not(Contains(Key(kTokens))));
}

TEST(FromProto, PrefersTheTokensOfNewerKubelets) {
  auto request = Request();
  (*request.mutable_volume_context())[kTokens] = "written by a pod";
  (*request.mutable_secrets())[kTokens] = "newer";

  const auto converted = FromProto(request);

  ASSERT_TRUE(converted.has_value());
  EXPECT_EQ(converted->tokens.Reveal(), "newer");
}

TEST(FromProto, ReadsThePodsGroup) {
  auto request = Request();
  request.mutable_volume_capability()->mutable_mount()->set_volume_mount_group("2000");

  const auto converted = FromProto(request);

  ASSERT_TRUE(converted.has_value());
  EXPECT_EQ(converted->group, 2000U);
}

TEST(FromProto, ReadsWhetherTheContainersMountIsReadOnly) {
  auto request = Request();
  EXPECT_FALSE(FromProto(request)->read_only);
  request.set_readonly(true);
  EXPECT_TRUE(FromProto(request)->read_only);
}

TEST(FromProto, RefusesAGroupThatIsNoGroup) {
  for (const char* group : {"-1", "root", "4294967295", "1e3"}) {
    auto request = Request();
    request.mutable_volume_capability()->mutable_mount()->set_volume_mount_group(group);
    EXPECT_THAT(FromProto(request),
                HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("volume mount group")))
        << group;
  }
}

TEST(FromProto, RefusesABlockDevice) {
  auto request = Request();
  request.mutable_volume_capability()->mutable_block();
  EXPECT_THAT(FromProto(request),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("not a mount")));
}

TEST(FromProto, RefusesMountOptions) {
  auto request = Request();
  request.mutable_volume_capability()->mutable_mount()->add_mount_flags("exec");
  EXPECT_THAT(FromProto(request),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("no mount options")));
}

TEST(FromProto, RefusesAnotherFileSystem) {
  auto request = Request();
  request.mutable_volume_capability()->mutable_mount()->set_fs_type("ext4");
  EXPECT_THAT(FromProto(request),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("csi.fsType")));
}

TEST(ToStatus, TellsTheKubeletWhetherToTryAgain) {
  const auto code = [](publish::Reason reason) {
    return ToStatus(publish::PublishFailure{reason, "why"}).error_code();
  };
  EXPECT_EQ(code(publish::Reason::kRequest), ::grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(code(publish::Reason::kNoConnector), ::grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(code(publish::Reason::kNotReady), ::grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(code(publish::Reason::kNotGranted), ::grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(code(publish::Reason::kApi), ::grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(code(publish::Reason::kBusy), ::grpc::StatusCode::ABORTED);
  EXPECT_EQ(code(publish::Reason::kVolumeFull), ::grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(code(publish::Reason::kFileSystem), ::grpc::StatusCode::INTERNAL);
}

TEST(ToStatus, IsFineForWhatWasDone) {
  EXPECT_TRUE(ToStatus(publish::PublishAction::kKept).ok());
}

TEST(Wipe, LeavesNoToken) {
  auto request = Request();
  (*request.mutable_volume_context())[kTokens] = "canary";
  (*request.mutable_secrets())[kTokens] = "canary";

  Wipe(request);

  EXPECT_THAT(request.SerializeAsString(), Not(HasSubstr("canary")));
}

}  // namespace
}  // namespace connector::csi::rpc
