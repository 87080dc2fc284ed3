#include "broker/connectors/directory/directory_source.h"

#include "tests/support/cpp/scratch_dir.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <string_view>

namespace connector::broker::connectors {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const ConnectorRef kFileA{"default", "a"};

std::string Connector(std::string_view name, std::string_view host = "r.example") {
  return "apiVersion: oci-connector.dev/v1alpha1\nkind: Connector\nmetadata: {name: " +
         std::string(name) + "}\nspec:\n  address: https://" + std::string(host) +
         "\n  auth: {name: tokenAuth, secretRef: {name: s}}\n";
}

std::string Password(std::string_view password) {
  return "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {username: u, password: " +
         std::string(password) + "}\n";
}

class DirectorySourceTest : public ::testing::Test {
 protected:
  DirectorySourceTest()
      : log_fd_(::memfd_create("log", 0)), logger_(log_fd_, "test", log::Level::kInfo) {
    std::filesystem::create_directories(path_);
  }
  ~DirectorySourceTest() override { ::close(log_fd_); }

  // By rename, as careful editors and Kubernetes do.
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ + "/.new") << text;
    std::filesystem::rename(path_ + "/.new", path_ + "/" + name);
  }

  DirectorySource MakeSource() { return DirectorySource(path_, {publisher_, logger_, registry_}); }

  // Empty when connector a is not in force.
  std::string HostOfA() const {
    const auto entry = catalog_.Current()->Find(kFileA);
    return entry == nullptr ? "" : entry->connector->address.host;
  }
  std::string PasswordInStore() const {
    const Result<secrets::StoredSecret> secret = secrets_.Read({"default", "s"});
    return secret ? std::string(secret->data.at("password").Reveal()) : "";
  }
  std::string Metrics() const {
    return prometheus::TextSerializer().Serialize(registry_.Collect());
  }
  std::string Log() const {
    std::string out(65536, '\0');
    const ssize_t size = ::pread(log_fd_, out.data(), out.size(), 0);
    out.resize(static_cast<std::size_t>(size));
    return out;
  }

  testing_support::ScratchDir scratch_;
  const std::string path_ = scratch_ / "resources";
  const int log_fd_;
  log::Logger logger_;
  prometheus::Registry registry_;
  secrets::FileSecretStore secrets_{"0123456789abcdef0123456789abcdef"};
  Catalog catalog_;
  CatalogPublisher publisher_{{secrets_, catalog_, registry_}};
};

TEST_F(DirectorySourceTest, LoadsConnectorsAndSecrets) {
  Write("a.yaml", Connector("a"));
  Write("s.yaml", Password("p"));
  DirectorySource source = MakeSource();

  ASSERT_TRUE(source.Load().has_value());

  EXPECT_EQ(HostOfA(), "r.example");
  EXPECT_EQ(PasswordInStore(), "p");
  EXPECT_EQ(catalog_.Current()->Find(kFileA)->secret_version,
            secrets_.Read({"default", "s"})->version);
  EXPECT_THAT(source.LastProblems(), IsEmpty());
  EXPECT_THAT(Metrics(), HasSubstr("connector_broker_resource_problems 0"));
  EXPECT_THAT(Metrics(), HasSubstr("connector_broker_resource_connectors 1"));
  EXPECT_THAT(Metrics(), HasSubstr("reloads_total{result=\"ok\"} 1"));
}

TEST_F(DirectorySourceTest, StartsWithWhatIsGoodAndReportsTheRest) {
  Write("a.yaml", Connector("a"));
  Write("b.yaml", Connector("b", "r.example/path"));
  Write("s.yaml", Password("hunter2"));
  DirectorySource source = MakeSource();

  ASSERT_TRUE(source.Load().has_value());

  EXPECT_THAT(catalog_.Current()->entries, SizeIs(1));
  ASSERT_THAT(source.LastProblems(), SizeIs(1));
  EXPECT_EQ(source.LastProblems()[0].path, "spec.address");
  EXPECT_THAT(Metrics(), HasSubstr("connector_broker_resource_problems 1"));
  EXPECT_THAT(Metrics(), HasSubstr("reloads_total{result=\"problems\"} 1"));
  EXPECT_THAT(Log(), HasSubstr("b.yaml"));
  EXPECT_THAT(Log(), HasSubstr("spec.address"));
  EXPECT_THAT(Log(), Not(HasSubstr("hunter2")));
}

TEST_F(DirectorySourceTest, FailsAtStartWithoutItsDirectory) {
  std::filesystem::remove_all(path_);
  DirectorySource source = MakeSource();
  EXPECT_FALSE(source.Load().has_value());
}

TEST_F(DirectorySourceTest, SeesARotatedSecretAndGivesANewEpoch) {
  Write("a.yaml", Connector("a"));
  Write("s.yaml", Password("old"));
  DirectorySource source = MakeSource();
  ASSERT_TRUE(source.Load().has_value());
  const std::string epoch = catalog_.Current()->Find(kFileA)->epoch;

  Write("s.yaml", Password("new"));
  EXPECT_TRUE(source.ScanOnce());

  EXPECT_EQ(PasswordInStore(), "new");
  EXPECT_NE(catalog_.Current()->Find(kFileA)->epoch, epoch);
}

TEST_F(DirectorySourceTest, KeepsTheLastGoodVersionOfABadFile) {
  Write("a.yaml", Connector("a", "old.example"));
  Write("s.yaml", Password("p"));
  DirectorySource source = MakeSource();
  ASSERT_TRUE(source.Load().has_value());
  const auto before = catalog_.Current();

  Write("a.yaml", Connector("a", "new.example/path"));
  EXPECT_TRUE(source.ScanOnce());
  EXPECT_EQ(HostOfA(), "old.example") << "a rule is broken";
  Write("a.yaml", "malformed: [");
  Write("s.yaml", "malformed: [");
  EXPECT_TRUE(source.ScanOnce());
  EXPECT_EQ(HostOfA(), "old.example") << "the YAML is malformed";
  EXPECT_EQ(PasswordInStore(), "p");
  EXPECT_EQ(catalog_.Current(), before) << "nothing was published";
  EXPECT_THAT(Metrics(), HasSubstr("connector_broker_resource_problems 2"));

  Write("a.yaml", Connector("a", "new.example"));
  Write("s.yaml", Password("q"));
  EXPECT_TRUE(source.ScanOnce());
  EXPECT_EQ(HostOfA(), "new.example");
  EXPECT_EQ(PasswordInStore(), "q");
  EXPECT_THAT(Metrics(), HasSubstr("connector_broker_resource_problems 0"));
}

TEST_F(DirectorySourceTest, TakesAChangedRuleThoughAnotherFileIsBad) {
  Write("a.yaml", Connector("a", "old.example"));
  Write("b.yaml", Connector("b"));
  Write("s.yaml", Password("p"));
  DirectorySource source = MakeSource();
  ASSERT_TRUE(source.Load().has_value());

  Write("b.yaml", "malformed: [");
  Write("a.yaml", Connector("a", "new.example"));
  EXPECT_TRUE(source.ScanOnce());

  EXPECT_EQ(HostOfA(), "new.example");
  EXPECT_NE(catalog_.Current()->Find({"default", "b"}), nullptr);
}

TEST_F(DirectorySourceTest, DropsAConnectorWhoseFileIsGone) {
  Write("a.yaml", Connector("a"));
  Write("s.yaml", Password("p"));
  DirectorySource source = MakeSource();
  ASSERT_TRUE(source.Load().has_value());

  std::filesystem::remove(path_ + "/a.yaml");
  EXPECT_TRUE(source.ScanOnce());

  EXPECT_EQ(HostOfA(), "");
}

TEST_F(DirectorySourceTest, DropsAConnectorThatIsGoneFromBesideAForeignKind) {
  const std::string foreign = "apiVersion: v1\nkind: Namespace\nmetadata: {name: default}\n---\n";
  Write("a.yaml", foreign + Connector("a"));
  Write("s.yaml", Password("p"));
  DirectorySource source = MakeSource();
  ASSERT_TRUE(source.Load().has_value());
  EXPECT_THAT(Log(), HasSubstr("Namespace is not read here"));
  ASSERT_NE(HostOfA(), "");

  Write("a.yaml", foreign);
  EXPECT_TRUE(source.ScanOnce());

  EXPECT_EQ(HostOfA(), "");
}

TEST_F(DirectorySourceTest, ServesAConnectorWithoutItsSecretAsAProblem) {
  Write("a.yaml", Connector("a"));
  Write("s.yaml", Password("p"));
  DirectorySource source = MakeSource();
  ASSERT_TRUE(source.Load().has_value());

  std::filesystem::remove(path_ + "/s.yaml");
  EXPECT_TRUE(source.ScanOnce());

  ASSERT_NE(catalog_.Current()->Find(kFileA), nullptr);
  EXPECT_THAT(catalog_.Current()->Find(kFileA)->problem, HasSubstr("there is no Secret default/s"));
  EXPECT_EQ(PasswordInStore(), "");
  EXPECT_THAT(Metrics(), HasSubstr("connector_broker_resource_unusable_connectors 1"));
}

TEST_F(DirectorySourceTest, KeepsTheConnectorInForceWhenASecondOneTakesItsName) {
  Write("a.yaml", Connector("a", "first.example"));
  Write("s.yaml", Password("p"));
  DirectorySource source = MakeSource();
  ASSERT_TRUE(source.Load().has_value());

  Write("b.yaml", Connector("a", "second.example"));
  EXPECT_TRUE(source.ScanOnce());

  EXPECT_EQ(HostOfA(), "first.example");
  EXPECT_THAT(source.LastProblems(), SizeIs(1));
}

TEST_F(DirectorySourceTest, DoesNothingWhenNothingChanged) {
  Write("a.yaml", Connector("a"));
  Write("s.yaml", Password("p"));
  DirectorySource source = MakeSource();
  ASSERT_TRUE(source.Load().has_value());
  const auto before = catalog_.Current();

  EXPECT_FALSE(source.ScanOnce());
  EXPECT_FALSE(source.ScanOnce());

  EXPECT_EQ(catalog_.Current(), before);
  EXPECT_THAT(Metrics(), HasSubstr("reloads_total{result=\"ok\"} 1"));
}

TEST_F(DirectorySourceTest, PublishesNothingWhenAFileIsRewrittenUnchanged) {
  Write("a.yaml", Connector("a"));
  Write("s.yaml", Password("p"));
  DirectorySource source = MakeSource();
  ASSERT_TRUE(source.Load().has_value());
  const auto before = catalog_.Current();

  Write("a.yaml", Connector("a") + "# a comment\n");
  EXPECT_TRUE(source.ScanOnce());

  EXPECT_EQ(catalog_.Current(), before);
}

// A file mapped into memory: a second store into a page that is dirty already changes no time
// stamp, just as two writes within one tick of a coarse clock.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path) : size_(std::filesystem::file_size(path)) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    data_ = static_cast<char*>(::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    ::close(fd);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile() { ::munmap(data_, size_); }

  void Replace(std::string_view from, std::string_view to) {
    const std::size_t at = std::string_view(data_, size_).find(from);
    ASSERT_NE(at, std::string_view::npos);
    std::copy(to.begin(), to.end(), data_ + at);
  }

 private:
  std::size_t size_;
  char* data_ = nullptr;
};

TEST_F(DirectorySourceTest, SeesAChangeThatLeavesNoTraceInTheTimesOfAFile) {
  Write("a.yaml", Connector("a"));
  Write("s.yaml", Password("p0"));
  DirectorySource source = MakeSource();
  ASSERT_TRUE(source.Load().has_value());

  // A machine that pauses between two steps hides the second change from anybody: then once more.
  bool seen = false;
  for (int attempt = 0; attempt < 100 && !seen; ++attempt) {
    Write("s.yaml", Password("p0"));
    MappedFile file(path_ + "/s.yaml");
    file.Replace("p0", "p1");
    source.ScanOnce();
    file.Replace("p1", "p2");
    source.ScanOnce();
    seen = PasswordInStore() == "p2";
  }
  EXPECT_TRUE(seen);
}

TEST_F(DirectorySourceTest, FollowsTheLinkSwapOfAKubernetesProjection) {
  for (const char* version : {"1", "2"}) {
    std::filesystem::create_directories(path_ + "/.." + version);
    std::ofstream(path_ + "/.." + version + "/s.yaml") << Password("p" + std::string(version));
  }
  std::filesystem::create_symlink("..1", path_ + "/..data");
  std::filesystem::create_symlink("..data/s.yaml", path_ + "/s.yaml");
  Write("a.yaml", Connector("a"));
  DirectorySource source = MakeSource();
  ASSERT_TRUE(source.Load().has_value());
  ASSERT_EQ(PasswordInStore(), "p1");

  std::filesystem::create_symlink("..2", path_ + "/..new");
  std::filesystem::rename(path_ + "/..new", path_ + "/..data");
  EXPECT_TRUE(source.ScanOnce());

  EXPECT_EQ(PasswordInStore(), "p2");
}

TEST_F(DirectorySourceTest, KeepsEverythingWhileTheDirectoryCannotBeRead) {
  Write("a.yaml", Connector("a"));
  Write("s.yaml", Password("p"));
  DirectorySource source = MakeSource();
  ASSERT_TRUE(source.Load().has_value());

  std::filesystem::rename(path_, path_ + ".away");
  source.ScanOnce();
  source.ScanOnce();
  EXPECT_EQ(HostOfA(), "r.example");
  EXPECT_EQ(PasswordInStore(), "p");
  EXPECT_THAT(source.LastProblems(), SizeIs(1));
  EXPECT_THAT(Metrics(), HasSubstr("reloads_total{result=\"failed\"} 1")) << "told once";

  std::filesystem::rename(path_ + ".away", path_);
  EXPECT_TRUE(source.ScanOnce());
  EXPECT_THAT(source.LastProblems(), IsEmpty());
}

TEST_F(DirectorySourceTest, WatchesWithAThreadOfItsOwn) {
  Write("a.yaml", Connector("a", "old.example"));
  DirectorySource source = MakeSource();
  ASSERT_TRUE(source.Load().has_value());
  std::mutex mutex;
  std::condition_variable changed;
  std::string host;
  const std::uint64_t id =
      catalog_.Subscribe([&](const std::shared_ptr<const CatalogSnapshot>& snapshot) {
        const std::lock_guard lock(mutex);
        host = snapshot->Find(kFileA)->connector->address.host;
        changed.notify_all();
      });
  source.Start();

  Write("a.yaml", Connector("a", "new.example"));

  {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(
        changed.wait_for(lock, std::chrono::seconds(30), [&] { return host == "new.example"; }));
  }
  source.Stop();
  catalog_.Unsubscribe(id);
}

TEST_F(DirectorySourceTest, CountsFromWhenItSawTheDirectoryLast) {
  Write("a.yaml", Connector("a"));
  DirectorySource source = MakeSource();
  ASSERT_TRUE(source.Load().has_value());
  source.ScanOnce();
  const auto before = std::chrono::steady_clock::now();
  std::filesystem::rename(path_, path_ + ".away");

  source.ScanOnce();
  const auto away = std::chrono::steady_clock::now() - before;
  EXPECT_GE(source.Silence(), away);

  std::filesystem::rename(path_ + ".away", path_);
  const auto back = std::chrono::steady_clock::now();
  source.ScanOnce();
  EXPECT_LE(source.Silence(), std::chrono::steady_clock::now() - back);
}

// Another tenant's file of a megabyte would delay everybody's revocation.
TEST_F(DirectorySourceTest, ReadsOnlyWhatHasChanged) {
  Write("a.yaml", Connector("a"));
  Write("s.yaml", Password("p"));
  DirectorySource source = MakeSource();
  ASSERT_TRUE(source.Load().has_value());
  std::uint64_t before = 0;
  do {  // Until the times of the files are old enough to be believed.
    before = source.files_read();
    source.ScanOnce();
  } while (source.files_read() != before);
  Write("a.yaml", Connector("a", "other.example"));

  EXPECT_TRUE(source.ScanOnce());

  EXPECT_EQ(HostOfA(), "other.example");
  EXPECT_EQ(source.files_read(), before + 1);
}

}  // namespace
}  // namespace connector::broker::connectors
