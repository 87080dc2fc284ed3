#include "common/auditlog/verify_directory.h"

#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/scratch_dir.h"

#include <gtest/gtest.h>

#include <fstream>

namespace connector::auditlog {
namespace {

using ::testing::HasSubstr;
using testing_support::HasErrorMessage;
using testing_support::HasValue;

class VerifyDirectoryOf : public ::testing::Test {
 protected:
  // Writes `count` records that follow position_ into a file of their own.
  void WriteFile(int count) {
    last_path_ = dir_ / AuditFileName(position_.seq + 1);
    std::ofstream out(last_path_, std::ios::binary);
    for (int i = 0; i < count; ++i) {
      out << FormatRecord(Event{}, position_);
    }
  }
  void AppendBytes(const std::string& bytes) {
    std::ofstream(last_path_, std::ios::binary | std::ios::app) << bytes;
  }

  testing_support::ScratchDir dir_;
  ChainPosition position_;
  std::string last_path_;
};

TEST_F(VerifyDirectoryOf, NothingIsAChainWithoutRecords) {
  EXPECT_THAT(VerifyDirectory(dir_.path()), HasValue(VerificationReport{}));
}

TEST_F(VerifyDirectoryOf, SeveralFilesRunsTheChainOnFromFileToFile) {
  WriteFile(3);
  WriteFile(2);
  std::ofstream(dir_ / "README") << "not an audit file";

  EXPECT_THAT(
      VerifyDirectory(dir_.path()),
      HasValue(VerificationReport{.files = 2, .records = 5, .first = {}, .last = position_}));
}

TEST_F(VerifyDirectoryOf, ATornLastLineIsNotTampering) {
  WriteFile(2);
  AppendBytes("{\"seq\":3,");

  EXPECT_THAT(VerifyDirectory(dir_.path()),
              HasValue(VerificationReport{.files = 1,
                                          .records = 2,
                                          .first = {},
                                          .last = position_,
                                          .torn_tail = true,
                                          .torn_tail_bytes = 9}));
}

TEST_F(VerifyDirectoryOf, ATornLineBeforeTheLastFileIsAnError) {
  WriteFile(2);
  AppendBytes("{\"seq\":3,");
  WriteFile(1);

  EXPECT_THAT(VerifyDirectory(dir_.path()),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr(".jsonl:3: ")));
}

TEST_F(VerifyDirectoryOf, AChangedRecordNamesFileAndLine) {
  WriteFile(2);
  ChainPosition elsewhere{2, std::string(64, 'a')};
  AppendBytes(FormatRecord(Event{}, elsewhere));

  EXPECT_THAT(VerifyDirectory(dir_.path()),
              HasErrorMessage(ErrorCode::kInvalidArgument,
                              last_path_ + ":3: prev is not the hash of the record before"));
}

TEST_F(VerifyDirectoryOf, AMissingFileInTheMiddleIsAnError) {
  WriteFile(1);
  WriteFile(1);
  std::filesystem::remove(last_path_);
  WriteFile(1);

  EXPECT_THAT(VerifyDirectory(dir_.path()),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("name says another seq")));
}

TEST_F(VerifyDirectoryOf, OldFilesMovedAwayStartsWhereTheFirstFileSays) {
  WriteFile(2);
  std::filesystem::remove(last_path_);
  const ChainPosition first = position_;
  WriteFile(1);

  EXPECT_THAT(
      VerifyDirectory(dir_.path()),
      HasValue(VerificationReport{.files = 1, .records = 1, .first = first, .last = position_}));
}

TEST_F(VerifyDirectoryOf, AFirstRecordOfAllThatNamesAPredecessorIsAnError) {
  position_.hash = std::string(64, 'a');
  WriteFile(1);

  EXPECT_THAT(VerifyDirectory(dir_.path()),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("64 zeros")));
}

TEST_F(VerifyDirectoryOf, AnEndlessLineIsAnErrorAndNotATornTail) {
  WriteFile(1);
  AppendBytes(std::string(kMaxRecordBytes + 1, 'x'));

  EXPECT_THAT(VerifyDirectory(dir_.path()),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("too long")));
}

TEST(VerifyDirectory, SaysThatADirectoryIsMissing) {
  EXPECT_THAT(VerifyDirectory("/nonexistent/audit"),
              HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("No such file")));
}

}  // namespace
}  // namespace connector::auditlog
