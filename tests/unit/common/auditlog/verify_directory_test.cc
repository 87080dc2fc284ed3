#include "common/auditlog/verify_directory.h"

#include "tests/support/cpp/chain_keys.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/scratch_dir.h"

#include <gtest/gtest.h>

#include <fstream>

namespace connector::auditlog {
namespace {

using ::testing::HasSubstr;
using testing_support::ChainKeyOf;
using testing_support::ChainKeysOf;
using testing_support::HasErrorMessage;
using testing_support::HasValue;

class VerifyDirectoryOf : public ::testing::Test {
 protected:
  // Writes `count` records that follow position_ into a file of their own.
  void WriteFile(int count) {
    last_path_ = dir_ / AuditFileName(position_.seq + 1);
    std::ofstream out(last_path_, std::ios::binary);
    for (int i = 0; i < count; ++i) {
      out << FormatRecord(Event{}, position_, key_);
    }
  }
  void AppendBytes(const std::string& bytes) {
    std::ofstream(last_path_, std::ios::binary | std::ios::app) << bytes;
  }

  Result<VerificationReport> Verify() { return VerifyWith(ChainKeysOf()); }
  Result<VerificationReport> VerifyWith(const std::shared_ptr<const ChainKeys>& keys,
                                        const ChainPosition* head = nullptr) {
    return VerifyDirectory(dir_.path(), {*keys, head});
  }
  VerificationReport Report(std::uint64_t files, std::uint64_t records, ChainPosition first = {}) {
    return {.files = files,
            .records = records,
            .first = first,
            .last = position_,
            .keys = {key_.id()},
            .last_key = key_.id()};
  }

  testing_support::ScratchDir dir_;
  ChainKey key_ = ChainKeyOf();
  ChainPosition position_;
  std::string last_path_;
};

TEST_F(VerifyDirectoryOf, NothingIsAChainWithoutRecords) {
  EXPECT_THAT(Verify(), HasValue(VerificationReport{}));
}

TEST_F(VerifyDirectoryOf, SeveralFilesRunsTheChainOnFromFileToFile) {
  WriteFile(3);
  WriteFile(2);
  std::ofstream(dir_ / "README") << "not an audit file";

  EXPECT_THAT(Verify(), HasValue(Report(2, 5)));
}

TEST_F(VerifyDirectoryOf, ATornLastLineIsNotTampering) {
  WriteFile(2);
  AppendBytes("{\"seq\":3,");

  VerificationReport torn = Report(1, 2);
  torn.torn_tail = true;
  torn.torn_tail_bytes = 9;
  EXPECT_THAT(Verify(), HasValue(torn));
}

TEST_F(VerifyDirectoryOf, ATornLineBeforeTheLastFileIsAnError) {
  WriteFile(2);
  AppendBytes("{\"seq\":3,");
  WriteFile(1);

  EXPECT_THAT(Verify(), HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr(".jsonl:3: ")));
}

TEST_F(VerifyDirectoryOf, AChangedRecordNamesFileAndLine) {
  WriteFile(2);
  ChainPosition elsewhere{2, std::string(64, 'a')};
  AppendBytes(FormatRecord(Event{}, elsewhere, key_));

  EXPECT_THAT(Verify(),
              HasErrorMessage(ErrorCode::kInvalidArgument,
                              last_path_ + ":3: prev is not the hash of the record before"));
}

TEST_F(VerifyDirectoryOf, AMissingFileInTheMiddleIsAnError) {
  WriteFile(1);
  WriteFile(1);
  std::filesystem::remove(last_path_);
  WriteFile(1);

  EXPECT_THAT(Verify(),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("name says another seq")));
}

TEST_F(VerifyDirectoryOf, OldFilesMovedAwayStartsWhereTheFirstFileSays) {
  WriteFile(2);
  std::filesystem::remove(last_path_);
  const ChainPosition first = position_;
  WriteFile(1);

  EXPECT_THAT(Verify(), HasValue(Report(1, 1, {first.seq, first.hash})));
}

TEST_F(VerifyDirectoryOf, AFirstRecordOfAllThatNamesAPredecessorIsAnError) {
  position_.hash = std::string(64, 'a');
  WriteFile(1);

  EXPECT_THAT(Verify(), HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("64 zeros")));
}

TEST_F(VerifyDirectoryOf, AnEndlessLineIsAnErrorAndNotATornTail) {
  WriteFile(1);
  AppendBytes(std::string(kMaxRecordBytes + 1, 'x'));

  EXPECT_THAT(Verify(), HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("too long")));
}

TEST_F(VerifyDirectoryOf, AnotherRootKeyIsNotProven) {
  WriteFile(2);

  const auto report = VerifyWith(ChainKeysOf("o"));

  EXPECT_EQ(report->unknown_keys, std::set<std::string>{key_.id()});
  EXPECT_EQ(report->keys, std::set<std::string>{});
}

TEST_F(VerifyDirectoryOf, RecordsWithoutAKeySaysUpToWhich) {
  last_path_ = dir_ / AuditFileName(1);
  AppendBytes(testing_support::UnkeyedRecord(Event{}, position_));
  AppendBytes(testing_support::UnkeyedRecord(Event{}, position_));
  AppendBytes(FormatRecord(Event{}, position_, key_));

  EXPECT_EQ(Verify()->unkeyed_through, 2U);
}

TEST_F(VerifyDirectoryOf, AChainThatSaysThatRecordsWereLostRepeatsIt) {
  last_path_ = dir_ / AuditFileName(1);
  Event lost;
  lost.reason = kAuditLost;
  lost.detail = "file F was removed";
  AppendBytes(FormatRecord(lost, position_, key_));

  EXPECT_EQ(Verify()->losses, 1U);
  EXPECT_EQ(Verify()->first_loss, "record 1: file F was removed");
}

TEST_F(VerifyDirectoryOf, AChainMeetsItsHeadInAnyFile) {
  WriteFile(2);
  const ChainPosition head = position_;
  std::filesystem::remove(last_path_);
  EXPECT_FALSE(VerifyWith(ChainKeysOf(), &head)->met_head);
  WriteFile(2);
  EXPECT_TRUE(VerifyWith(ChainKeysOf(), &head)->met_head);
  EXPECT_TRUE(VerifyWith(ChainKeysOf(), &position_)->met_head);

  const ChainPosition later{5, std::string(64, 'a'), true};
  EXPECT_FALSE(VerifyWith(ChainKeysOf(), &later)->met_head);
}

TEST_F(VerifyDirectoryOf, AChainOfAnotherHeadIsAnError) {
  WriteFile(1);
  std::filesystem::remove(last_path_);
  WriteFile(2);
  for (const std::uint64_t seq : {1, 2, 3}) {
    const ChainPosition other{seq, std::string(64, 'a'), true};
    EXPECT_THAT(VerifyWith(ChainKeysOf(), &other),
                HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("that the head names")))
        << seq;
  }
}

TEST(VerifyDirectory, SaysThatADirectoryIsMissing) {
  EXPECT_THAT(VerifyDirectory("/nonexistent/audit", {{}}),
              HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("No such file")));
}

}  // namespace
}  // namespace connector::auditlog
