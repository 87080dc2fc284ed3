#include "broker/deny_list/deny_list_service.h"

#include "broker/deny_list/deny_list_file.h"
#include "common/base/keyed_version.h"
#include "common/log/log.h"
#include "tests/support/cpp/eventually.h"
#include "tests/support/cpp/fake_audit_log.h"
#include "tests/support/cpp/fake_clock.h"
#include "tests/support/cpp/root_keys.h"
#include "tests/support/cpp/scratch_dir.h"

#include <boost/asio/executor_work_guard.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <string>
#include <thread>

namespace connector::broker::deny_list {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing_support::Eventually;
using testing_support::ReplaceFile;

// Stands for a file on a server that answers no more, from the second look on.
class HangingFile final : public DenyListOrigin {
 public:
  explicit HangingFile(std::latch& answers) : answers_(answers) {}

  [[nodiscard]] std::string Name() const override { return "file hanging.yaml"; }
  [[nodiscard]] std::optional<DenyListReading> Poll() override {
    if (++looks_ == 1) {
      return DenyListReading{std::string("denied: []\n")};
    }
    answers_.wait();
    return std::nullopt;
  }

 private:
  std::latch& answers_;
  int looks_ = 0;
};

class DenyListServiceTest : public ::testing::Test {
 protected:
  DenyListServiceTest() : thread_([this] { io_.run(); }) {}
  ~DenyListServiceTest() override {
    service_.reset();
    work_.reset();
    thread_.join();
  }

  DenyListService::Parts Parts() {
    return {active_, audit_, clock_, io_.get_executor(), log_, root_keys_, [this] { ++read_; }};
  }
  void Start() {
    service_ = MakeDenyListService(DenyListOptions{.file = file_}, nullptr, Parts());
    ASSERT_TRUE(service_->Start().has_value());
  }
  [[nodiscard]] bool BecomesEntries(std::size_t count) {
    return Eventually([&] { return active_.Current()->entries().size() == count; });
  }
  admin::Readiness Readiness() {
    admin::Readiness readiness;
    service_->AddReadiness(readiness);
    return readiness;
  }
  std::vector<std::string> Records() {
    std::vector<std::string> out;
    for (const auditlog::Event& event : audit_.events()) {
      out.push_back(event.reason + " " + event.detail);
    }
    return out;
  }
  std::vector<std::string> DeniedPeerRecords() {
    std::vector<std::string> out;
    for (const auditlog::Event& event : audit_.events()) {
      if (event.reason == "DATAPLANE_DENIED") {
        out.push_back(event.peer + ": " + event.detail);
      }
    }
    return out;
  }

  testing_support::ScratchDir dir_;
  const std::string file_ = dir_ / "deny.yaml";
  testing_support::FakeClock clock_;
  testing_support::FakeAuditLog audit_;
  log::Logger log_{2, "test", log::Level::kError};
  ActiveDenyList active_;
  root_key::ActiveRootKeys root_keys_{testing_support::ShareRootKeys("r")};
  std::atomic<int> read_ = 0;
  asio::io_context io_;
  asio::executor_work_guard<Executor> work_{io_.get_executor()};
  std::thread thread_;
  std::unique_ptr<DenyListService> service_;
};

TEST_F(DenyListServiceTest, PutsTheFileInForceBeforeItHasStarted) {
  ReplaceFile(file_, "denied:\n- namespace: ci\n");
  Start();

  EXPECT_THAT(active_.Current()->entries(), ElementsAre(DeniedEntry{DeniedKind::kNamespace, "ci"}));
  EXPECT_EQ(read_, 1);
  EXPECT_THAT(Readiness().reasons, IsEmpty());
}

TEST_F(DenyListServiceTest, IsNotReadyWithoutAFirstList) {
  Start();

  EXPECT_EQ(read_, 0);
  EXPECT_THAT(Readiness().reasons, ElementsAre(HasSubstr("the deny list was not read yet")));

  ReplaceFile(file_, "denied: []\n");
  EXPECT_TRUE(Eventually([this] { return read_ == 1; }));
  EXPECT_TRUE(Eventually([this] { return Readiness().reasons.empty(); }));
}

TEST_F(DenyListServiceTest, IsNotReadyWithABrokenFirstList) {
  ReplaceFile(file_, "denied: nobody\n");
  Start();

  EXPECT_EQ(read_, 0);
  EXPECT_THAT(Readiness().reasons, SizeIs(1));
}

TEST_F(DenyListServiceTest, KeepsTheLastGoodListAndSaysSo) {
  ReplaceFile(file_, "denied:\n- namespace: ci\n");
  Start();
  for (const char* broken : {"denied:\n- namespase: ci\n", ""}) {
    ReplaceFile(file_, broken);
    EXPECT_TRUE(Eventually([this] { return !Readiness().degraded.empty(); }));
    EXPECT_THAT(active_.Current()->entries(), SizeIs(1));
    ReplaceFile(file_, "denied:\n- namespace: ci\n");
    EXPECT_TRUE(Eventually([this] { return Readiness().degraded.empty(); }));
  }
  std::filesystem::remove(file_);
  EXPECT_TRUE(Eventually([this] { return !Readiness().degraded.empty(); }));
  EXPECT_THAT(active_.Current()->entries(), SizeIs(1));
  EXPECT_EQ(read_, 1);
}

TEST_F(DenyListServiceTest, KeysItsVersionAnewWithOtherRootKeysAndRecordsNothing) {
  ReplaceFile(file_, "denied:\n- namespace: ci\n");
  Start();
  ASSERT_TRUE(Eventually([this] { return Records().size() == 1; }));
  const std::string before = active_.Current()->version();

  root_keys_.Replace(testing_support::ShareRootKeys("sr"));

  EXPECT_TRUE(Eventually([&] { return active_.Current()->version() != before; }));
  EXPECT_TRUE(SameVersion(active_.Current()->version(), before));
  service_->Stop(Deadline::max());
  EXPECT_THAT(Records(), SizeIs(1));
}

TEST_F(DenyListServiceTest, IsSilentAndNotReadyWhileItsFileSystemHangs) {
  constexpr std::chrono::seconds kMaxSilence{1};
  std::latch answers(1);
  DenyListService::Parts parts = Parts();
  parts.max_silence = kMaxSilence;
  service_ = std::make_unique<DenyListService>(std::make_unique<HangingFile>(answers), parts);
  ASSERT_TRUE(service_->Start().has_value());
  EXPECT_THAT(Readiness().reasons, IsEmpty());

  EXPECT_TRUE(Eventually([&] { return service_->Silence() >= kMaxSilence; }));
  EXPECT_THAT(Readiness().reasons,
              ElementsAre(HasSubstr("the deny list in file hanging.yaml cannot be seen for ")));

  answers.count_down();
  EXPECT_TRUE(Eventually([&] { return service_->Silence() < kMaxSilence; }));
  EXPECT_TRUE(Eventually([this] { return Readiness().reasons.empty(); }));
  service_.reset();
}

TEST_F(DenyListServiceTest, EndsAnEntryWhenItsTimeIsOver) {
  // FakeClock::kStart is 2027-01-15T08:00:00Z.
  ReplaceFile(file_,
              "denied:\n- {namespace: ci, until: 2027-01-15T08:00:05Z}\n- namespace: other\n");
  Start();
  EXPECT_TRUE(BecomesEntries(2));

  clock_.Advance(std::chrono::seconds(5));
  EXPECT_TRUE(BecomesEntries(1));
}

TEST_F(DenyListServiceTest, RecordsEveryChange) {
  ReplaceFile(file_, "denied:\n- {namespace: ci, reason: stolen}\n- subject: a\n");
  Start();
  EXPECT_TRUE(Eventually([this] { return Records().size() == 1; }));
  ReplaceFile(file_, "denied:\n- subject: a\n- subject: b\n");
  EXPECT_TRUE(Eventually([this] { return Records().size() == 3; }));

  const std::string source = "DENY_LIST_CHANGED file " + file_ + ": ";
  EXPECT_THAT(Records(),
              ElementsAre(source + "denies namespace \"ci\" (stolen), subject \"a\"",
                          source + "denies subject \"b\"",
                          source + "no longer denies namespace \"ci\" (stolen)"));
}

TEST_F(DenyListServiceTest, RecordsAListOfAnyLengthInRecordsOfABoundedOne) {
  std::string list = "denied:\n";
  for (std::size_t i = 0; i < 2 * kEntriesPerRecord + 1; ++i) {
    list += "- subject: caller-" + std::to_string(i) + "\n";
  }
  ReplaceFile(file_, list);
  Start();

  EXPECT_TRUE(Eventually([this] { return Records().size() == 3; }));
  EXPECT_THAT(Records().back(), HasSubstr(": denies subject \"caller-16\""));
}

TEST_F(DenyListServiceTest, RecordsAChangeOnceTheDiskTakesIt) {
  audit_.SetBroken(true);
  ReplaceFile(file_, "denied:\n- namespace: ci\n");
  Start();
  EXPECT_TRUE(BecomesEntries(1)) << "it is in force all the same";

  audit_.SetBroken(false);
  EXPECT_TRUE(Eventually([this] { return Records().size() == 1; }));
}

TEST_F(DenyListServiceTest, RecordsTheCallsOfADeniedPeerOnceAMinute) {
  ReplaceFile(file_, "denied:\n- dataplane: \"spiffe://a/dataplane/1\"\n");
  Start();
  const DeniedEntry* const entry = active_.Current()->FindPeer({"spiffe://a/dataplane/1"});
  ASSERT_NE(entry, nullptr);
  active_.NoteRefused(*entry);
  EXPECT_TRUE(Eventually([this] { return Records().size() == 2; }));
  for (int i = 0; i < 9; ++i) {
    active_.NoteRefused(*entry);
  }
  // A record of one turn is there when the next one begins.
  for (const char* name : {"x", "y"}) {
    const std::size_t before = Records().size();
    ReplaceFile(
        file_,
        std::string("denied:\n- dataplane: \"spiffe://a/dataplane/1\"\n- subject: ") + name + "\n");
    EXPECT_TRUE(Eventually([&] { return Records().size() > before; }));
  }
  EXPECT_THAT(DeniedPeerRecords(), ElementsAre("spiffe://a/dataplane/1: 1 calls refused"));

  clock_.Advance(kPeerRecordInterval);
  EXPECT_TRUE(Eventually([this] { return DeniedPeerRecords().size() == 2; }));
  EXPECT_EQ(DeniedPeerRecords()[1], "spiffe://a/dataplane/1: 9 calls refused");
}

}  // namespace
}  // namespace connector::broker::deny_list
