// Real tmpfs mounts, in a mount namespace of this process's own.

#include "csi/files/volume_mount.h"

#include "csi/files/payload.h"
#include "csi/files/tree.h"
#include "tests/integration/csi/node.h"
#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace connector::csi::files {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Node;
using ::testing::UnorderedElementsAre;
using testing_support::HasError;
using testing_support::HasErrorMessage;
using testing_support::HasValue;

constexpr const char* kId = "csi-1";

render::Volume Files(const std::map<std::string, std::string>& texts) {
  render::Volume volume;
  for (const auto& [path, text] : texts) {
    volume[path].content = Secret(text);
  }
  return volume;
}

class VolumeMountTest : public ::testing::Test {
 protected:
  // A volume with these files at target_.
  void Mount(const render::Volume& files,
             std::optional<gid_t> group = {},
             NodeAccess access = NodeAccess::kReads) {
    Result<Fd> volume = NewVolume(kId, group);
    ASSERT_THAT(volume, HasValue(::testing::_)) << volume.error().message;
    ASSERT_THAT(Write(volume->get(), files, {expiry_, group}), HasValue(Done{}));
    ASSERT_THAT(Attach(*volume, Node::TargetOf(target_), access), HasValue(Done{}));
  }
  // The root of the mounted volume, writable for us.
  Fd View() {
    Result<MountInspection> found = InspectMount(Node::TargetOf(target_), kId);
    Result<Fd> view = WritableView(found->folder);
    return std::move(*view);
  }
  std::vector<std::string> Names() { return *NamesIn(OpenFolder(target_)->get()); }

  Node node_;
  std::string target_ = node_.MakePod("cfg");
  WallTime expiry_ = WallTime(std::chrono::seconds(1'800'000'000));
};

TEST_F(VolumeMountTest, ShowsThePodTheFilesAndTheKubeletTheMount) {
  Mount(Files({{"config.json", "{}"}, {"certs.d/h/hosts.toml", "x"}}));

  EXPECT_EQ(Node::Read(target_ + "/config.json"), "{}");
  EXPECT_EQ(Node::Read(target_ + "/certs.d/h/hosts.toml"), "x");
  const std::string relative = target_.substr(node_.pods().size());
  EXPECT_EQ(Node::Read(node_.seen_by_others() + relative + "/config.json"), "{}");
}

TEST_F(VolumeMountTest, IsReadOnlyNosuidNodevNoexecAndLimited) {
  Mount(Files({{"token", "x"}}));

  struct statvfs fs {};
  ASSERT_EQ(::statvfs(target_.c_str(), &fs), 0);
  constexpr unsigned long kWanted = ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC;
  EXPECT_EQ(fs.f_flag & kWanted, kWanted);
  EXPECT_EQ(fs.f_blocks * fs.f_frsize, kVolumeBytes);
  EXPECT_FALSE(std::ofstream(target_ + "/new").is_open());
  EXPECT_FALSE(std::ofstream(target_ + "/token").is_open());
}

// As a container runtime does with SELinux: this machine has none, so the attribute is another one.
TEST_F(VolumeMountTest, LetsTheNodeLabelFilesWhereTheContainersMountIsReadOnly) {
  Mount(Files({{"token", "x"}}), {}, NodeAccess::kMayLabel);
  const auto label = [&](const std::string& path) {
    return ::lsetxattr(path.c_str(), "trusted.label", "x", 1, 0) == 0 ? 0 : errno;
  };

  EXPECT_EQ(label(target_), 0);
  EXPECT_EQ(label(target_ + "/token"), 0);
  ASSERT_THAT(Write(View().get(), Files({{"token", "y"}}), {expiry_, {}}), HasValue(Done{}));
  EXPECT_EQ(Node::Read(target_ + "/token"), "y");
  struct statvfs fs {};
  ASSERT_EQ(::statvfs(target_.c_str(), &fs), 0);
  constexpr unsigned long kWanted = ST_NOSUID | ST_NODEV | ST_NOEXEC;
  EXPECT_EQ(fs.f_flag & (kWanted | ST_RDONLY), kWanted);
}

TEST_F(VolumeMountTest, BelongsToThePodsGroupAndNobodyElse) {
  Mount(Files({{"token", "x"}, {"certs.d/h/hosts.toml", "x"}}), 2000);

  EXPECT_EQ(Node::ModeOf(target_), 0750U);
  EXPECT_EQ(Node::ModeOf(target_ + "/token"), 0640U);
  EXPECT_EQ(Node::ModeOf(target_ + "/certs.d"), 0750U);
  EXPECT_EQ(Node::ModeOf(target_ + "/certs.d/h"), 0750U);
  struct stat facts {};
  ASSERT_EQ(::stat((target_ + "/token").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_gid, 2000U);
  EXPECT_EQ(facts.st_uid, 0U);
}

TEST_F(VolumeMountTest, IsReadableByWhateverUserThePodHasWithoutAGroup) {
  Mount(Files({{"token", "x"}}));

  EXPECT_EQ(Node::ModeOf(target_), 0755U);
  EXPECT_EQ(Node::ModeOf(target_ + "/token"), 0644U);
}

TEST_F(VolumeMountTest, ReplacesAllFilesInOneStep) {
  Mount(Files({{"a", "1"}, {"b", "1"}, {"gone/x", "1"}}));
  const std::string before = std::filesystem::read_symlink(target_ + "/..data");

  ASSERT_THAT(Write(View().get(), Files({{"a", "2"}, {"c/d", "2"}}), {expiry_, {}}),
              HasValue(Done{}));

  const std::string after = std::filesystem::read_symlink(target_ + "/..data");
  EXPECT_NE(after, before);
  EXPECT_EQ(Node::Read(target_ + "/a"), "2");
  EXPECT_EQ(Node::Read(target_ + "/c/d"), "2");
  EXPECT_THAT(Names(), UnorderedElementsAre("..data", after, "a", "c"));
  EXPECT_EQ(std::filesystem::read_symlink(target_ + "/a"), "..data/a");
}

TEST_F(VolumeMountTest, NeverLetsAReaderFindNothing) {
  Mount(Files({{"token", "x"}}));
  const Fd view = View();
  std::atomic<bool> over = false;
  std::atomic<int> missing = 0;
  std::thread reader([&] {
    while (!over) {
      missing += std::filesystem::is_symlink(target_ + "/..data") ? 0 : 1;
    }
  });

  for (int i = 0; i < 2000; ++i) {
    ASSERT_THAT(Write(view.get(), Files({{"token", std::to_string(i)}}), {expiry_, {}}),
                HasValue(Done{}));
  }
  over = true;
  reader.join();

  EXPECT_EQ(missing, 0);
}

// A client that opened the old folder reads the old files whole: no byte of theirs is written
// again.
TEST_F(VolumeMountTest, NeverWritesIntoAFileThatIsBeingRead) {
  Mount(Files({{"token", "old"}}));
  std::ifstream open_before(target_ + "/token");

  ASSERT_THAT(Write(View().get(), Files({{"token", "new"}}), {expiry_, {}}), HasValue(Done{}));

  std::string read;
  open_before >> read;
  EXPECT_EQ(read, "old");
  EXPECT_EQ(Node::Read(target_ + "/token"), "new");
}

TEST_F(VolumeMountTest, KeepsTheOldFilesWhenTheNewOnesDoNotFit) {
  Mount(Files({{"token", "old"}}));

  EXPECT_THAT(Write(View().get(),
                    Files({{"token", "new"}, {"zz", std::string(kVolumeBytes + 1, 'x')}}),
                    {expiry_, {}}),
              HasError(ErrorCode::kResourceExhausted));

  EXPECT_EQ(Node::Read(target_ + "/token"), "old");
  EXPECT_EQ(Names().size(), 3U);  // ..data, its generation, token
}

TEST_F(VolumeMountTest, CleansUpAfterADriverThatWasKilledWhileItWrote) {
  Mount(Files({{"token", "old"}}));
  const Fd view = View();
  ASSERT_EQ(::mkdirat(view.get(), "..1800000000-0123456789abcdef", 0755), 0);
  ASSERT_EQ(::symlinkat("..1800000000-0123456789abcdef", view.get(), "..data_tmp"), 0);

  ASSERT_THAT(Write(view.get(), Files({{"token", "new"}}), {expiry_, {}}), HasValue(Done{}));

  const std::string current = std::filesystem::read_symlink(target_ + "/..data");
  EXPECT_THAT(Names(), UnorderedElementsAre("..data", current, "token"));
}

TEST_F(VolumeMountTest, RemembersUntilWhenTheTokenIsValid) {
  Mount(Files({{"token", "x"}}));

  EXPECT_EQ(TokenExpiry(OpenFolder(target_)->get()), expiry_);
}

TEST_F(VolumeMountTest, KnowsWhetherItHoldsExactlyTheseFiles) {
  Mount(Files({{"token", "x"}, {"c/d", "y"}}));
  const Result<Fd> root = OpenFolder(target_);

  EXPECT_TRUE(HoldsExactly(root->get(), Files({{"token", "x"}, {"c/d", "y"}})));
  EXPECT_FALSE(HoldsExactly(root->get(), Files({{"token", "X"}, {"c/d", "y"}})));
  EXPECT_FALSE(HoldsExactly(root->get(), Files({{"token", "xx"}, {"c/d", "y"}})));
  EXPECT_FALSE(HoldsExactly(root->get(), Files({{"token", "x"}})));
  EXPECT_FALSE(HoldsExactly(root->get(), Files({{"token", "x"}, {"c/d", "y"}, {"e", ""}})));
}

TEST_F(VolumeMountTest, DoesNotTakeAVolumeWithoutItsLinksForComplete) {
  Mount(Files({{"token", "x"}}));
  const Fd view = View();
  ASSERT_EQ(::unlinkat(view.get(), "token", 0), 0);

  EXPECT_FALSE(HoldsExactly(view.get(), Files({{"token", "x"}})));
}

TEST_F(VolumeMountTest, DoesNotFollowALinkThatSomebodyPutIntoTheVolume) {
  Mount(Files({{"token", "x"}}));
  const Fd view = View();
  std::filesystem::create_directory(node_.outside());
  ASSERT_EQ(::unlinkat(view.get(), "..data", 0), 0);
  ASSERT_EQ(::symlinkat(node_.outside().c_str(), view.get(), "..data"), 0);

  EXPECT_FALSE(HoldsExactly(view.get(), Files({{"token", "x"}})));
  EXPECT_EQ(TokenExpiry(view.get()), std::nullopt);
  ASSERT_THAT(Write(view.get(), Files({{"token", "y"}}), {expiry_, {}}), HasValue(Done{}));
  EXPECT_EQ(Node::Read(target_ + "/token"), "y");
  EXPECT_TRUE(std::filesystem::is_empty(node_.outside()));
}

TEST_F(VolumeMountTest, LeavesNothingBehindWhenItIsTakenAway) {
  Mount(Files({{"token", "x"}}));

  EXPECT_THAT(Detach(Node::TargetOf(target_), kId), HasValue(Done{}));

  EXPECT_THAT(node_.Mounts(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(target_));
}

TEST_F(VolumeMountTest, CanBeTakenAwayAgain) {
  EXPECT_THAT(Detach(Node::TargetOf(target_), kId), HasValue(Done{}));
}

TEST_F(VolumeMountTest, RemovesTheEmptyFolderThatARebootLeft) {
  std::filesystem::create_directory(target_);

  EXPECT_THAT(Detach(Node::TargetOf(target_), kId), HasValue(Done{}));
  EXPECT_FALSE(std::filesystem::exists(target_));
}

TEST_F(VolumeMountTest, TakesAwayEveryMountThatTwoDriversStacked) {
  Mount(Files({{"token", "x"}}));
  Mount(Files({{"token", "y"}}));

  EXPECT_THAT(Detach(Node::TargetOf(target_), kId), HasValue(Done{}));
  EXPECT_THAT(node_.Mounts(), IsEmpty());
}

TEST_F(VolumeMountTest, DoesNotTakeAwayAnotherVolume) {
  Mount(Files({{"token", "x"}}));

  EXPECT_THAT(Detach(Node::TargetOf(target_), "csi-2"), HasError(ErrorCode::kInvalidArgument));
  EXPECT_EQ(Node::Read(target_ + "/token"), "x");
}

TEST_F(VolumeMountTest, DoesNotTakeAwayWhatSomebodyElseMounted) {
  std::filesystem::create_directory(target_);
  ASSERT_EQ(::mount("tmpfs", target_.c_str(), "tmpfs", 0, nullptr), 0);
  std::ofstream(target_ + "/theirs") << "x";

  EXPECT_THAT(Detach(Node::TargetOf(target_), kId), HasError(ErrorCode::kInvalidArgument));
  EXPECT_EQ(Node::Read(target_ + "/theirs"), "x");
}

TEST_F(VolumeMountTest, DoesNotFollowALinkAtTheTarget) {
  std::filesystem::create_directory(node_.outside());
  std::filesystem::create_directory_symlink(node_.outside(), target_);

  EXPECT_THAT(Detach(Node::TargetOf(target_), kId), HasError(ErrorCode::kInvalidArgument));
  Result<Fd> volume = NewVolume(kId, {});
  EXPECT_THAT(Attach(*volume, Node::TargetOf(target_), NodeAccess::kReads),
              HasError(ErrorCode::kInvalidArgument));
  EXPECT_THAT(node_.Mounts(), IsEmpty());
  EXPECT_TRUE(std::filesystem::exists(node_.outside()));
}

TEST_F(VolumeMountTest, DoesNotRemoveAFolderWithSomethingInIt) {
  std::filesystem::create_directory(target_);
  std::ofstream(target_ + "/theirs") << "x";

  EXPECT_THAT(Detach(Node::TargetOf(target_), kId), HasError(ErrorCode::kInternal));
  EXPECT_EQ(Node::Read(target_ + "/theirs"), "x");
}

TEST(OpenBeneath, FollowsNoLinkAndLeavesTheFolderByNoWay) {
  const testing_support::ScratchDir scratch;
  std::filesystem::create_directories(scratch / "in/a");
  std::filesystem::create_directories(scratch / "out");
  std::filesystem::create_directory_symlink("a", scratch / "in/link");
  std::filesystem::create_directory_symlink(scratch / "out", scratch / "in/away");
  const Result<Fd> folder = OpenFolder(scratch / "in");

  EXPECT_THAT(OpenBeneath(folder->get(), "a", O_PATH), HasValue(::testing::_));
  EXPECT_THAT(OpenBeneath(folder->get(), "link/.", O_PATH),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("symbolic link")));
  EXPECT_THAT(OpenBeneath(folder->get(), "away/x", O_PATH),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("symbolic link")));
  EXPECT_THAT(OpenBeneath(folder->get(), "../out", O_PATH),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("outside")));
  EXPECT_THAT(OpenBeneath(folder->get(), scratch / "out", O_PATH),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("outside")));
  EXPECT_THAT(OpenBeneath(folder->get(), "b", O_PATH), HasError(ErrorCode::kNotFound));
}

}  // namespace
}  // namespace connector::csi::files
