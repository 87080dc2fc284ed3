#include "broker/audit/chain_writer.h"

#include "tests/support/cpp/result_matchers.h"
#include "tests/unit/broker/audit/chain_writer_fixture.h"
#include "tests/unit/broker/audit/sync_recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

namespace connector::broker::audit {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing_support::HasError;
using testing_support::HasErrorMessage;
using testing_support::HasValue;

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
                                          .replicas = {"broker-1"},
                                          .keys = {writer->key_id()},
                                          .last_key = writer->key_id()}));
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

// The kernel was asked for all that a record needs to survive a power cut, before Append returned.
TEST_F(ChainWriterTest, HasSyncedEveryByteAndTheFilesNameWhenItReturns) {
  const auto writer = OpenOrDie();
  for (int batch = 0; batch < 2; ++batch) {
    ASSERT_THAT(Append(*writer, 2), HasValue(Done{}));
    EXPECT_EQ(SyncedSize(FirstFile()), static_cast<off_t>(std::filesystem::file_size(FirstFile())));
  }
  EXPECT_TRUE(SyncedSize(directory_).has_value());
  ASSERT_THAT(writer->WriteHead(), HasValue(Done{}));
  EXPECT_EQ(SyncedSize(head_file_), static_cast<off_t>(std::filesystem::file_size(head_file_)));
}

struct Harm {
  std::string_view name;
  void (*harm)(const std::string& file);
  std::string_view said;
  friend void PrintTo(const Harm& row, std::ostream* os) { *os << row.name; }
};

class ChainWriterWhoseFileIs : public ChainWriterTest, public ::testing::WithParamInterface<Harm> {
 protected:
  void Harm(const std::string& file) { GetParam().harm(file); }
};

TEST_P(ChainWriterWhoseFileIs, GoesOnInANewFileThatSaysSo) {
  const auto writer = OpenOrDie();
  ASSERT_THAT(Append(*writer, 3), HasValue(Done{}));
  Harm(FirstFile());

  ASSERT_THAT(Append(*writer, 1), HasValue(Done{}));

  EXPECT_EQ(writer->position().seq, 5U) << "three, the one that says so, and the last";
  EXPECT_EQ(writer->losses().count, 1U);
  EXPECT_THAT(writer->losses().last,
              AllOf(HasSubstr(GetParam().said), HasSubstr("; records 1 to 3 stood there")));
  std::ifstream next(directory_ + "/" + auditlog::AuditFileName(4));
  const std::string text(std::istreambuf_iterator<char>(next), {});
  EXPECT_THAT(text, AllOf(HasSubstr(R"("reason":"AUDIT_LOST")"), HasSubstr(R"("seq":5)")));
}

TEST_P(ChainWriterWhoseFileIs, NoticesItWithoutARecord) {
  const auto writer = OpenOrDie();
  ASSERT_THAT(Append(*writer, 3), HasValue(Done{}));
  writer->Look();
  EXPECT_FALSE(writer->HasOwnRecords()) << "the control";
  Harm(FirstFile());

  writer->Look();

  EXPECT_TRUE(writer->HasOwnRecords());
  ASSERT_THAT(writer->Append({}), HasValue(Done{}));
  EXPECT_EQ(writer->position().seq, 4U);
}

TEST_P(ChainWriterWhoseFileIs, StillSaysSoAfterARestart) {
  {
    const auto writer = OpenOrDie();
    ASSERT_THAT(Append(*writer, 3), HasValue(Done{}));
    Harm(FirstFile());
    ASSERT_THAT(Append(*writer, 1), HasValue(Done{}));
  }
  EXPECT_EQ(OpenOrDie()->position().seq, 5U);
  const auto report = auditlog::VerifyDirectory(directory_, {*keys_});
  EXPECT_TRUE(!report || report->losses == 1);
}

INSTANTIATE_TEST_SUITE_P(
    EveryHarm,
    ChainWriterWhoseFileIs,
    ::testing::Values(
        Harm{"Removed", [](const std::string& file) { std::filesystem::remove(file); }, "removed"},
        Harm{"Renamed",
             [](const std::string& file) { std::filesystem::rename(file, file + ".old"); },
             "removed or renamed"},
        Harm{"Replaced",
             [](const std::string& file) {
               std::filesystem::copy_file(file, file + ".copy");
               std::filesystem::rename(file + ".copy", file);
             },
             "replaced by another file"},
        Harm{"CutOff",
             [](const std::string& file) { std::filesystem::resize_file(file, 700); },
             "changed by somebody else"},
        Harm{"Emptied",
             [](const std::string& file) { std::filesystem::resize_file(file, 0); },
             "changed by somebody else"},
        Harm{"Continued",
             [](const std::string& file) { std::ofstream(file, std::ios::app) << "more\n"; },
             "changed by somebody else"},
        Harm{"RemovedWithItsDirectory",
             [](const std::string& file) {
               std::filesystem::remove_all(std::filesystem::path(file).parent_path());
             },
             "removed"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_F(ChainWriterTest, LocksTheDirectoryThatItHadToMakeAnew) {
  const auto writer = OpenOrDie();
  ASSERT_THAT(Append(*writer), HasValue(Done{}));
  std::filesystem::remove_all(directory_);
  ASSERT_THAT(Append(*writer), HasValue(Done{}));

  EXPECT_THAT(ChainWriter::Open(Options()), HasError(ErrorCode::kUnavailable));
}

struct Loss {
  std::string_view name;
  void (*lose)(const std::string& directory, const std::string& file);
  std::string_view said;
  friend void PrintTo(const Loss& row, std::ostream* os) { *os << row.name; }
};

class ChainWriterThatWasStoppedWhenIts : public ChainWriterTest,
                                         public ::testing::WithParamInterface<Loss> {};

TEST_P(ChainWriterThatWasStoppedWhenIts, GoesOnBehindWhatTheHeadFileNames) {
  {
    const auto writer = OpenOrDie();
    ASSERT_THAT(Append(*writer, 3), HasValue(Done{}));
    ASSERT_THAT(writer->WriteHead(), HasValue(Done{}));
  }
  GetParam().lose(directory_, FirstFile());

  const auto writer = OpenOrDie();
  EXPECT_THAT(writer->losses().last, HasSubstr(GetParam().said));
  ASSERT_THAT(Append(*writer, 1), HasValue(Done{}));

  EXPECT_EQ(writer->position().seq, 5U);
  std::ifstream next(directory_ + "/" + auditlog::AuditFileName(4));
  EXPECT_THAT(std::string(std::istreambuf_iterator<char>(next), {}),
              HasSubstr(R"("reason":"AUDIT_LOST")"));
}

INSTANTIATE_TEST_SUITE_P(
    EveryLoss,
    ChainWriterThatWasStoppedWhenIts,
    ::testing::Values(Loss{"FileWasRemoved",
                           [](const std::string&, const std::string& file) {
                             std::filesystem::remove(file);
                           },
                           ": records 1 to 3; "},
                      Loss{"DirectoryWasRemoved",
                           [](const std::string& directory, const std::string&) {
                             std::filesystem::remove_all(directory);
                           },
                           ": records 1 to 3; "},
                      Loss{"LastRecordWasCutOff",
                           [](const std::string&, const std::string& file) {
                             std::ifstream in(file);
                             std::string one;
                             std::string two;
                             std::getline(in, one);
                             std::getline(in, two);
                             std::ofstream(file, std::ios::trunc) << one << "\n" << two << "\n";
                           },
                           ": record 3; "}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_F(ChainWriterTest, DoesNotStartOverAnotherChainThanTheHeadFileNames) {
  const auto chain_of = [&](int records) {
    std::filesystem::remove_all(directory_);
    std::filesystem::remove(head_file_);
    const auto writer = OpenOrDie();
    clock_.Advance(std::chrono::seconds(1));
    EXPECT_THAT(Append(*writer, 2), HasValue(Done{}));
    EXPECT_THAT(writer->WriteHead(), HasValue(Done{}));
    EXPECT_THAT(Append(*writer, static_cast<std::size_t>(records - 2)), HasValue(Done{}));
  };
  chain_of(2);
  const std::string kept = scratch_ / "kept";
  std::filesystem::copy_file(head_file_, kept);
  for (const int records : {2, 3}) {
    chain_of(records);
    std::filesystem::copy_file(kept, head_file_, std::filesystem::copy_options::overwrite_existing);
    EXPECT_THAT(ChainWriter::Open(Options()), HasError(ErrorCode::kInvalidArgument)) << records;
  }
}

TEST_F(ChainWriterTest, DoesNotStartWithAHeadThatNobodyWithTheKeyWrote) {
  ASSERT_THAT(Append(*OpenOrDie()), HasValue(Done{}));
  std::ofstream(head_file_) << "oci-connector-audit-head 9 " << std::string(64, 'a') << " "
                            << testing_support::ChainKeyOf().id() << " " << std::string(64, 'b');

  EXPECT_THAT(ChainWriter::Open(Options()),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr(head_file_)));
}

TEST_F(ChainWriterTest, TouchesNoHeadFileOfAChainThatItDoesNotContinue) {
  ASSERT_THAT(Append(*OpenOrDie(), 2), HasValue(Done{}));
  std::filesystem::remove(head_file_);
  std::ofstream(FirstFile(), std::ios::app) << "more\n";

  ASSERT_THAT(ChainWriter::Open(Options()), HasError(ErrorCode::kInvalidArgument));

  EXPECT_FALSE(std::filesystem::exists(head_file_));
}

TEST_F(ChainWriterTest, WritesAHeadFileThatWasRemovedAnew) {
  const auto writer = OpenOrDie();
  std::filesystem::remove(head_file_);
  writer->Look();
  ASSERT_THAT(writer->WriteHead(), HasValue(Done{}));

  EXPECT_TRUE(std::filesystem::exists(head_file_));
}

TEST_F(ChainWriterTest, NeedsTheHeadFileThatWasAskedFor) {
  head_file_ = scratch_ / "none/audit.head";
  EXPECT_EQ(OpenOrDie()->head_file(), "");

  ChainWriterOptions options = Options();
  options.needs_head_file = true;
  EXPECT_THAT(ChainWriter::Open(options), HasError(ErrorCode::kUnavailable));
}

TEST_F(ChainWriterTest, DoesNotFollowASymbolicLink) {
  ASSERT_TRUE(std::filesystem::create_directory(directory_));
  std::ofstream(scratch_ / "elsewhere").flush();
  std::filesystem::create_symlink(scratch_ / "elsewhere", FirstFile());

  EXPECT_THAT(ChainWriter::Open(Options()), HasError(ErrorCode::kUnavailable));
}

}  // namespace
}  // namespace connector::broker::audit
