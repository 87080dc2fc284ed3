#include "broker/audit/chain_writer.h"

#include "common/auditlog/verify_directory.h"
#include "common/log/log.h"
#include "tests/support/cpp/fake_clock.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/scratch_dir.h"
#include "tests/unit/broker/audit/faulty_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

namespace connector::broker::audit {
namespace {

using ::testing::HasSubstr;
using testing_support::HasError;
using testing_support::HasErrorMessage;
using testing_support::HasValue;

class ChainWriterTest : public ::testing::Test {
 protected:
  ChainWriterOptions Options() {
    return {.directory = directory_,
            .replica = "broker-1",
            .max_file_age = std::chrono::hours(24),
            .clock = &clock_,
            .log = &log_,
            .open_file = OpenFaulty(faults_)};
  }
  std::unique_ptr<ChainWriter> OpenOrDie() {
    auto writer = ChainWriter::Open(Options());
    EXPECT_TRUE(writer.has_value()) << (writer ? "" : writer.error().message);
    return writer ? std::move(*writer) : nullptr;
  }
  Result<Done> Append(ChainWriter& writer, std::size_t count = 1) {
    std::vector<auditlog::Event> events(count);
    for (auditlog::Event& event : events) {
      event.time = clock_.Now();
    }
    return writer.Append(events);
  }
  auditlog::VerificationReport Verified() {
    const auto report = auditlog::VerifyDirectory(directory_);
    EXPECT_TRUE(report.has_value()) << (report ? "" : report.error().message);
    return report ? *report : auditlog::VerificationReport{};
  }
  std::string FirstFile() { return directory_ + "/" + auditlog::AuditFileName(1); }

  testing_support::ScratchDir scratch_;
  std::string directory_ = scratch_ / "audit";
  testing_support::FakeClock clock_;
  log::Logger log_{2, "test", log::Level::kError};
  Faults faults_;
};

TEST_F(ChainWriterTest, NamesItsReplicaInEachRecord) {
  const auto writer = OpenOrDie();
  ASSERT_TRUE(Append(*writer, 2));

  EXPECT_EQ(Verified().replicas, std::set<std::string>{"broker-1"});
  EXPECT_EQ(Verified().records, 2U);
}

TEST_F(ChainWriterTest, WritesBatchesAsOneChainInAPrivateFile) {
  const auto writer = OpenOrDie();
  ASSERT_THAT(Append(*writer, 3), HasValue(Done{}));
  ASSERT_THAT(Append(*writer, 2), HasValue(Done{}));

  EXPECT_EQ(Verified(),
            (auditlog::VerificationReport{.files = 1,
                                          .records = 5,
                                          .first = {},
                                          .last = writer->position(),
                                          .replicas = {"broker-1"}}));
  struct stat info {};
  ASSERT_EQ(::stat(FirstFile().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(ChainWriterTest, ContinuesTheChainAfterARestart) {
  ASSERT_THAT(Append(*OpenOrDie(), 2), HasValue(Done{}));
  ASSERT_THAT(Append(*OpenOrDie(), 1), HasValue(Done{}));

  EXPECT_EQ(Verified().files, 1U);
  EXPECT_EQ(Verified().records, 3U);
}

TEST_F(ChainWriterTest, BeginsANewFileWhenTheFirstRecordIsOldAlsoAfterARestart) {
  ASSERT_THAT(Append(*OpenOrDie(), 2), HasValue(Done{}));
  clock_.Advance(std::chrono::hours(23));
  ASSERT_THAT(Append(*OpenOrDie(), 2), HasValue(Done{}));
  EXPECT_EQ(Verified().files, 1U);

  clock_.Advance(std::chrono::hours(1));
  ASSERT_THAT(Append(*OpenOrDie(), 2), HasValue(Done{}));

  EXPECT_EQ(Verified().files, 2U);
  EXPECT_EQ(Verified().records, 6U);
}

TEST_F(ChainWriterTest, RefusesADirectoryThatAnotherBrokerWrites) {
  const auto writer = OpenOrDie();

  EXPECT_THAT(ChainWriter::Open(Options()),
              HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("another broker writes here")));
}

TEST_F(ChainWriterTest, MovesATornTailAsideAndCutsIt) {
  ASSERT_THAT(Append(*OpenOrDie(), 2), HasValue(Done{}));
  const auto size = std::filesystem::file_size(FirstFile());
  std::ofstream(FirstFile(), std::ios::app) << R"({"seq":3,"pr)";

  const auto writer = OpenOrDie();

  EXPECT_EQ(std::filesystem::file_size(FirstFile()), size);
  std::ifstream copy(FirstFile() + "." + std::to_string(size) + ".torn");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(copy), {}), R"({"seq":3,"pr)");
  ASSERT_THAT(Append(*writer), HasValue(Done{}));
  EXPECT_EQ(Verified().records, 3U);
}

TEST_F(ChainWriterTest, ContinuesOverAFileThatHoldsOnlyATornRecord) {
  ASSERT_THAT(Append(*OpenOrDie(), 2), HasValue(Done{}));
  std::ofstream(directory_ + "/" + auditlog::AuditFileName(3)) << R"({"seq")";

  ASSERT_THAT(Append(*OpenOrDie()), HasValue(Done{}));

  EXPECT_EQ(Verified().files, 2U);
  EXPECT_EQ(Verified().records, 3U);
}

TEST_F(ChainWriterTest, DoesNotContinueAChainThatWasChanged) {
  ASSERT_THAT(Append(*OpenOrDie(), 2), HasValue(Done{}));
  std::fstream file(FirstFile(), std::ios::in | std::ios::out);
  file.seekp(100);
  file.put('#');
  file.close();

  EXPECT_THAT(ChainWriter::Open(Options()), HasError(ErrorCode::kInvalidArgument));
}

struct FailingStep {
  std::string_view name;
  std::atomic<bool> Faults::*fault;
  friend void PrintTo(const FailingStep& row, std::ostream* os) { *os << row.name; }
};

class ChainWriterFailingAt : public ChainWriterTest,
                             public ::testing::WithParamInterface<FailingStep> {};

TEST_P(ChainWriterFailingAt, KeepsNothingOfTheBatchAndRecovers) {
  const auto writer = OpenOrDie();
  ASSERT_THAT(Append(*writer, 2), HasValue(Done{}));
  const auditlog::ChainPosition before = writer->position();
  clock_.Advance(std::chrono::hours(25));

  faults_.*GetParam().fault = true;
  EXPECT_THAT(Append(*writer, 5), HasError(ErrorCode::kUnavailable));
  EXPECT_EQ(writer->position(), before);
  EXPECT_EQ(Verified().last, before);
  faults_.*GetParam().fault = false;

  ASSERT_THAT(Append(*writer, 1), HasValue(Done{}));
  EXPECT_EQ(Verified().records, 3U);
}

INSTANTIATE_TEST_SUITE_P(EveryStep,
                         ChainWriterFailingAt,
                         ::testing::Values(FailingStep{"Open", &Faults::open},
                                           FailingStep{"Write", &Faults::write},
                                           FailingStep{"Sync", &Faults::sync}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST_F(ChainWriterTest, WritesNothingMoreUntilAFailedBatchIsTakenBack) {
  const auto writer = OpenOrDie();
  ASSERT_THAT(Append(*writer, 2), HasValue(Done{}));
  faults_.write = true;
  faults_.truncate = true;
  ASSERT_THAT(Append(*writer, 4), HasError(ErrorCode::kUnavailable));
  faults_.write = false;

  EXPECT_THAT(Append(*writer), HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("Read-only")));

  faults_.truncate = false;
  ASSERT_THAT(Append(*writer), HasValue(Done{}));
  EXPECT_EQ(Verified().records, 3U);
}

// The kernel's own refusal, in the middle of a write: RLIMIT_FSIZE stands for a disk that is full.
TEST_F(ChainWriterTest, SurvivesADiskThatIsReallyFull) {
  const auto writer = OpenOrDie();
  ASSERT_THAT(Append(*writer, 2), HasValue(Done{}));
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old_limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old_limit), 0);
  const rlimit small{std::filesystem::file_size(FirstFile()) + 100, old_limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);

  const Result<Done> full = Append(*writer, 3);

  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old_limit), 0);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_THAT(full, HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("File too large")));
  EXPECT_EQ(Verified().records, 2U);
  EXPECT_FALSE(Verified().torn_tail);
  ASSERT_THAT(Append(*writer), HasValue(Done{}));
  EXPECT_EQ(Verified().records, 3U);
}

TEST_F(ChainWriterTest, DoesNotFollowASymbolicLink) {
  ASSERT_TRUE(std::filesystem::create_directory(directory_));
  std::ofstream(scratch_ / "elsewhere").flush();
  std::filesystem::create_symlink(scratch_ / "elsewhere", FirstFile());

  EXPECT_THAT(ChainWriter::Open(Options()), HasError(ErrorCode::kUnavailable));
}

}  // namespace
}  // namespace connector::broker::audit
