#include "csi/volume/target_path.h"

#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace connector::csi::volume {
namespace {

using testing_support::HasError;
using testing_support::HasValue;

constexpr const char* kPods = "/var/lib/kubelet/pods";
constexpr const char* kUid = "0f9d2c7e-5a1b-4c3d-8e2f-112233445566";

TEST(ParseTargetPath, ReadsThePathThatAKubeletSends) {
  EXPECT_THAT(
      ParseTargetPath(kPods,
                      std::string(kPods) + "/" + kUid + "/volumes/kubernetes.io~csi/cfg/mount"),
      HasValue(TargetPath{kUid, std::string(kUid) + "/volumes/kubernetes.io~csi/cfg", "mount"}));
}

class ParseTargetPathRefuses : public ::testing::TestWithParam<const char*> {};

TEST_P(ParseTargetPathRefuses, EverythingElse) {
  EXPECT_THAT(ParseTargetPath(kPods, GetParam()), HasError(ErrorCode::kInvalidArgument));
}

INSTANTIATE_TEST_SUITE_P(
    Paths,
    ParseTargetPathRefuses,
    ::testing::Values("",
                      "/",
                      "/etc/passwd",
                      "/var/lib/kubelet/pods",
                      "/var/lib/kubelet/podsx/u/volumes/kubernetes.io~csi/cfg/mount",
                      "/var/lib/kubelet/pods/u/volumes/kubernetes.io~csi/cfg",
                      "/var/lib/kubelet/pods/u/volumes/kubernetes.io~csi/cfg/",
                      "/var/lib/kubelet/pods/u/volumes/kubernetes.io~csi/cfg/mount/",
                      "/var/lib/kubelet/pods/u/volumes/kubernetes.io~csi/cfg/mount/x",
                      "/var/lib/kubelet/pods/../volumes/kubernetes.io~csi/cfg/mount",
                      "/var/lib/kubelet/pods/u/volumes/kubernetes.io~csi/../mount",
                      "/var/lib/kubelet/pods/u/volumes/kubernetes.io~csi/./mount",
                      "/var/lib/kubelet/pods/u/volumes/kubernetes.io~csi/cfg/..",
                      "/var/lib/kubelet/pods/u/volumes/kubernetes.io~csi//mount",
                      "/var/lib/kubelet/pods//volumes/kubernetes.io~csi/cfg/mount",
                      "/var/lib/kubelet/pods/u/volumes/kubernetes.io~secret/cfg/mount",
                      "/var/lib/kubelet/pods/u/volume/kubernetes.io~csi/cfg/mount",
                      "/var/lib/kubelet/pods/u/volumes/kubernetes.io~csi/cfg/vol_data.json",
                      "var/lib/kubelet/pods/u/volumes/kubernetes.io~csi/cfg/mount",
                      "/tmp/var/lib/kubelet/pods/u/volumes/kubernetes.io~csi/cfg/mount"));

TEST(CheckPodUid, AcceptsThePodsOwnFolder) {
  EXPECT_THAT(CheckPodUid({kUid, "", ""}, kUid), HasValue(Done{}));
}

TEST(CheckPodUid, RefusesAnotherPodsFolder) {
  EXPECT_THAT(CheckPodUid({kUid, "", ""}, "0f9d2c7e"), HasError(ErrorCode::kInvalidArgument));
}

TEST(CheckVolumeId, AcceptsTheIdThatAKubeletMakes) {
  EXPECT_THAT(CheckVolumeId("csi-" + std::string(64, 'a')), HasValue(Done{}));
}

TEST(CheckVolumeId, RefusesWhatCouldBePartOfAPath) {
  for (const std::string id : {"", "..", "a/b", "a.b", "A", "a\n", "a b", "\xc3\xa4"}) {
    EXPECT_THAT(CheckVolumeId(id), HasError(ErrorCode::kInvalidArgument)) << id;
  }
}

TEST(CheckVolumeId, RefusesMoreThanCsiAllows) {
  EXPECT_THAT(CheckVolumeId(std::string(129, 'a')), HasError(ErrorCode::kInvalidArgument));
}

}  // namespace
}  // namespace connector::csi::volume
