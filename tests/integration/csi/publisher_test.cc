// The calls of a kubelet, with real mounts and a cluster made by hand.

#include "csi/publish/volume_publisher.h"
#include "csi/volume/volume_attributes.h"
#include "tests/integration/csi/node.h"
#include "tests/support/cpp/csi_cluster.h"
#include "tests/support/cpp/run_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace connector::csi::publish {
namespace {

using ::testing::AllOf;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kPodUid;
using testing::Node;
using ::testing::SizeIs;
using ::testing::VariantWith;
using testing_support::CsiCluster;
using testing_support::RunTask;

constexpr const char* kId = "csi-1";

auto Fails(Reason reason, const std::string& says) {
  return VariantWith<PublishFailure>(AllOf(Field(&PublishFailure::reason, reason),
                                           Field(&PublishFailure::message, HasSubstr(says))));
}

auto Does(PublishAction action) {
  return VariantWith<PublishAction>(action);
}

std::string Tokens(const std::string& token, const std::string& expires_at) {
  return R"({"oci-connector":{"token":")" + token + R"(","expirationTimestamp":")" + expires_at +
         R"("}})";
}

class PublisherTest : public ::testing::Test {
 protected:
  PublisherTest() {
    cluster_.PutConnector("ci", "harbor");
    std::filesystem::create_directory(node_.outside());
    std::ofstream(node_.outside() + "/theirs") << "x";
  }

  PublishRequest Request(const std::string& token = "token-1",
                         const std::string& expires_at = "2099-01-01T00:00:00Z") {
    PublishRequest request;
    request.volume_id = kId;
    request.target_path = target_;
    request.context = {{"connectors", "harbor"},
                       {"csi.storage.k8s.io/pod.name", "build-1"},
                       {"csi.storage.k8s.io/pod.namespace", "ci"},
                       {"csi.storage.k8s.io/pod.uid", kPodUid},
                       {"csi.storage.k8s.io/serviceAccount.name", "builder"},
                       {"csi.storage.k8s.io/ephemeral", "true"}};
    request.tokens = Secret(Tokens(token, expires_at));
    return request;
  }
  PublishOutcome Publish(PublishRequest request) {
    return RunTask(publisher_.Publish(std::move(request), Deadline::max()));
  }

  Node node_;
  CsiCluster cluster_;
  SystemClock clock_;
  cluster::ProxyAccessChecker access_checker_{
      [this](boost::json::object, Deadline) { return cluster_.Review(); }};
  VolumeResolver resolver_{
      {{"registry-config"}, false, {}}, [this] { return cluster_.Current(); }, access_checker_};
  VolumePublisher publisher_{node_.pods(), {}, resolver_, clock_};
  std::string target_ = node_.MakePod("cfg");
};

TEST_F(PublisherTest, MountsTheConfigurationWithThePodsToken) {
  EXPECT_THAT(Publish(Request()), Does(PublishAction::kMounted));

  EXPECT_EQ(Node::Read(target_ + "/token"), "token-1");
  EXPECT_THAT(Node::Read(target_ + "/config.json"), HasSubstr("c-harbor.ci.svc"));
}

TEST_F(PublisherTest, MountsTheTokenOfTheConnectorsOwnAudienceAndNoOther) {
  PublishRequest request = Request();
  request.tokens = Secret(
      R"({"oci-connector":{"token":"broad","expirationTimestamp":"2099-01-01T00:00:00Z"},
          "oci-connector/ci/harbor":{"token":"own","expirationTimestamp":"2099-01-01T00:00:00Z"}})");

  EXPECT_THAT(Publish(std::move(request)), Does(PublishAction::kMounted));

  EXPECT_EQ(Node::Read(target_ + "/token"), "own");
  // connector:own
  EXPECT_THAT(Node::Read(target_ + "/config.json"), HasSubstr("Y29ubmVjdG9yOm93bg=="));
}

TEST_F(PublisherTest, SaysWhatTheMountOfAStrictConnectorLacks) {
  cluster_.PutConnector("ci",
                        "harbor",
                        R"([{"type":"Ready","status":"True"}])",
                        R"({"requireConnectorAudience":true})");

  EXPECT_THAT(Publish(Request()),
              Fails(Reason::kToken, "in the chart csi.connectorAudiences: [ci/harbor]"));
  EXPECT_THAT(node_.Mounts(), IsEmpty());
}

TEST_F(PublisherTest, DoesNothingWhenItIsCalledAgain) {
  (void)Publish(Request());
  EXPECT_THAT(Publish(Request()), Does(PublishAction::kUnchanged));
  EXPECT_THAT(node_.Mounts(), SizeIs(1));
}

TEST_F(PublisherTest, ReplacesTheTokenBeforeItEnds) {
  (void)Publish(Request("token-1", "2099-01-01T00:00:00Z"));

  EXPECT_THAT(Publish(Request("token-2", "2099-01-01T00:10:00Z")), Does(PublishAction::kRefreshed));

  EXPECT_EQ(Node::Read(target_ + "/token"), "token-2");
  EXPECT_THAT(node_.Mounts(), SizeIs(1));
  EXPECT_FALSE(std::ofstream(target_ + "/token").is_open());  // Still read-only for the pod.
}

TEST_F(PublisherTest, LeavesTheTargetWritableForTheNodeWhereTheContainersMountIsReadOnly) {
  PublishRequest request = Request();
  request.read_only = true;

  EXPECT_THAT(Publish(std::move(request)), Does(PublishAction::kMounted));

  EXPECT_TRUE(std::ofstream(target_ + "/label").is_open());
}

TEST_F(PublisherTest, DoesNotPutAnOlderTokenBackWhenCallsComeOutOfOrder) {
  (void)Publish(Request("token-2", "2099-01-01T00:10:00Z"));

  EXPECT_THAT(Publish(Request("token-1", "2099-01-01T00:00:00Z")), Does(PublishAction::kKept));
  EXPECT_EQ(Node::Read(target_ + "/token"), "token-2");
}

TEST_F(PublisherTest, RefreshesAVolumeThatADriverBeforeItMounted) {
  (void)Publish(Request());
  VolumePublisher second(node_.pods(), {}, resolver_, clock_);

  EXPECT_THAT(RunTask(second.Publish(Request("token-2", "2099-01-01T00:10:00Z"), Deadline::max())),
              Does(PublishAction::kRefreshed));
  EXPECT_THAT(second.Unpublish(kId, target_), Does(PublishAction::kUnmounted));
  EXPECT_THAT(node_.Mounts(), IsEmpty());
}

TEST_F(PublisherTest, MountsAgainAfterAReboot) {
  (void)Publish(Request());
  ASSERT_EQ(::umount2(target_.c_str(), MNT_DETACH), 0);  // What a reboot does to a tmpfs.

  EXPECT_THAT(Publish(Request()), Does(PublishAction::kMounted));
  EXPECT_EQ(Node::Read(target_ + "/token"), "token-1");
}

TEST_F(PublisherTest, LeavesNothingBehind) {
  (void)Publish(Request());

  EXPECT_THAT(publisher_.Unpublish(kId, target_), Does(PublishAction::kUnmounted));

  EXPECT_THAT(node_.Mounts(), IsEmpty());
  EXPECT_TRUE(std::filesystem::is_empty(std::filesystem::path(target_).parent_path()));
}

TEST_F(PublisherTest, UnmountsAgainAndWhereThePodsFolderIsGone) {
  EXPECT_THAT(publisher_.Unpublish(kId, target_), Does(PublishAction::kUnmounted));
  std::filesystem::remove_all(node_.pods() + "/" + kPodUid);
  EXPECT_THAT(publisher_.Unpublish(kId, target_), Does(PublishAction::kUnmounted));
}

TEST_F(PublisherTest, DoesNotMountForAPodThatIsGone) {
  std::filesystem::remove_all(node_.pods() + "/" + kPodUid);

  EXPECT_THAT(Publish(Request()), Fails(Reason::kGone, "is the pod gone?"));
  EXPECT_FALSE(std::filesystem::exists(node_.pods() + "/" + kPodUid));
}

TEST_F(PublisherTest, DoesNotMountIntoAnotherPodsFolder) {
  PublishRequest request = Request();
  request.target_path = node_.MakePod("cfg", "11111111-2222-3333-4444-555555555555");

  EXPECT_THAT(Publish(std::move(request)), Fails(Reason::kTarget, "is for another one"));
  EXPECT_THAT(node_.Mounts(), IsEmpty());
}

TEST_F(PublisherTest, MountsNothingOutsideThePodsFolder) {
  PublishRequest request = Request();
  request.target_path = node_.outside() + "/" + kPodUid + "/volumes/kubernetes.io~csi/cfg/mount";

  EXPECT_THAT(Publish(std::move(request)), Fails(Reason::kTarget, "not touched"));
}

TEST_F(PublisherTest, RefusesAVolumeIdThatIsAPath) {
  PublishRequest request = Request();
  request.volume_id = "../../etc";

  EXPECT_THAT(Publish(std::move(request)), Fails(Reason::kRequest, "volume id"));
  EXPECT_THAT(publisher_.Unpublish("../../etc", target_), Fails(Reason::kRequest, "volume id"));
}

TEST_F(PublisherTest, DoesNotTouchAnotherVolumeAtTheTarget) {
  (void)Publish(Request());
  PublishRequest request = Request("token-2", "2099-01-01T00:10:00Z");
  request.volume_id = "csi-2";

  EXPECT_THAT(Publish(std::move(request)), Fails(Reason::kTarget, "not this volume"));
  EXPECT_THAT(publisher_.Unpublish("csi-2", target_), Fails(Reason::kTarget, "not this volume"));
  EXPECT_EQ(Node::Read(target_ + "/token"), "token-1");
}

TEST_F(PublisherTest, FollowsNoLinkOnTheWayToTheTarget) {
  const std::filesystem::path parent = std::filesystem::path(target_).parent_path();
  std::filesystem::create_directory(node_.outside() + "/mount");
  std::filesystem::remove(parent);
  std::filesystem::create_directory_symlink(node_.outside(), parent);

  EXPECT_THAT(Publish(Request()), Fails(Reason::kTarget, "symbolic link"));
  EXPECT_THAT(publisher_.Unpublish(kId, target_), Fails(Reason::kTarget, "symbolic link"));
  EXPECT_TRUE(std::filesystem::exists(node_.outside() + "/mount"));
  EXPECT_THAT(node_.Mounts(), IsEmpty());
}

TEST_F(PublisherTest, TellsASecondDriverThatTheVolumeIsBusy) {
  const auto parent = std::filesystem::path(target_).parent_path();
  const files::Fd other(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(::flock(other.get(), LOCK_EX), 0);

  EXPECT_THAT(Publish(Request()), Fails(Reason::kBusy, "under way"));
  EXPECT_THAT(publisher_.Unpublish(kId, target_), Fails(Reason::kBusy, "under way"));
}

TEST_F(PublisherTest, SaysWhichParameterIsWrong) {
  PublishRequest request = Request();
  request.context["configuration.names"] = "no-such";

  EXPECT_THAT(Publish(std::move(request)), Fails(Reason::kConfiguration, "no-such"));
  EXPECT_THAT(node_.Mounts(), IsEmpty());
}

TEST_F(PublisherTest, KeepsAVolumeWhoseConnectorIsGone) {
  (void)Publish(Request());
  cluster_.Remove("ci", "harbor");

  EXPECT_THAT(Publish(Request("token-2", "2099-01-01T00:10:00Z")),
              Fails(Reason::kNoConnector, "ci/harbor"));
  EXPECT_EQ(Node::Read(target_ + "/token"), "token-1");
}

// Somebody who can write into the pods folder exchanges a folder on the way to the target for a
// link that leads outside, over and over, while the kubelet's calls come in.
class PublisherRace : public PublisherTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(PublisherRace, ChangesNothingOutside) {
  constexpr int kExchanges = 100'000;
  const std::string folder = node_.pods() + "/" + GetParam();
  const std::string link = folder + ".link";
  // Where the link leads, every name that the driver could ask for is there.
  const std::string trap = node_.outside() + "/trap";
  std::filesystem::create_directories(trap + "/volumes/kubernetes.io~csi/cfg/mount");
  std::filesystem::create_directories(trap + "/cfg/mount");
  std::filesystem::create_directories(trap + "/mount");
  std::filesystem::create_directories(folder);
  std::filesystem::create_directory_symlink(trap, link);
  std::vector<std::string> before;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(node_.outside())) {
    before.push_back(entry.path());
  }

  std::atomic<bool> done = false;
  std::atomic<int> exchanged = 0;
  std::thread attacker([&] {
    // A folder on which something is mounted cannot be exchanged: it counts as a try.
    for (int i = 0; i < kExchanges; ++i) {
      exchanged +=
          ::renameat2(AT_FDCWD, folder.c_str(), AT_FDCWD, link.c_str(), RENAME_EXCHANGE) == 0 ? 1
                                                                                              : 0;
    }
    done = true;
  });
  int mounted = 0;
  while (!done) {
    mounted += std::holds_alternative<PublishAction>(Publish(Request())) ? 1 : 0;
    (void)publisher_.Unpublish(kId, target_);
  }
  attacker.join();

  if (std::filesystem::is_symlink(folder)) {
    // A volume may stay on the pod's own folder, under the name that it had for a moment.
    (void)::umount2(link.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
    std::filesystem::rename(folder, folder + ".spare");
    std::filesystem::rename(link, folder);
  }
  EXPECT_THAT(publisher_.Unpublish(kId, target_), Does(PublishAction::kUnmounted));
  EXPECT_GT(mounted, 0);
  EXPECT_GT(exchanged, kExchanges / 10) << "most of the time something was mounted";
  EXPECT_THAT(node_.Mounts(), IsEmpty());
  std::vector<std::string> after;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(node_.outside())) {
    after.push_back(entry.path());
  }
  EXPECT_THAT(after, ::testing::UnorderedElementsAreArray(before));
}

INSTANTIATE_TEST_SUITE_P(
    OfAFolder,
    PublisherRace,
    ::testing::Values("0f9d2c7e-5a1b-4c3d-8e2f-112233445566",
                      "0f9d2c7e-5a1b-4c3d-8e2f-112233445566/volumes/kubernetes.io~csi",
                      "0f9d2c7e-5a1b-4c3d-8e2f-112233445566/volumes/kubernetes.io~csi/cfg",
                      "0f9d2c7e-5a1b-4c3d-8e2f-112233445566/volumes/kubernetes.io~csi/cfg/mount"));

}  // namespace
}  // namespace connector::csi::publish
