#include "broker/audit_export/record_reader.h"

#include "common/auditlog/verify_directory.h"
#include "tests/support/cpp/scratch_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace connector::broker::audit_export {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RecordReaderTest : public ::testing::Test {
 protected:
  void Write(std::uint64_t first_seq, const std::string& text) {
    std::ofstream(PathOf(first_seq), std::ios::app) << text;
  }
  std::string PathOf(std::uint64_t first_seq) {
    return directory_ / auditlog::AuditFileName(first_seq);
  }
  std::vector<std::string> Read(std::uint64_t seq, std::uint64_t through) {
    auto batch = reader_.Read(seq, through);
    EXPECT_TRUE(batch.has_value());
    last_seq_ = batch ? batch->last_seq : 0;
    return batch ? batch->lines : std::vector<std::string>();
  }

  testing_support::ScratchDir directory_;
  RecordReader reader_{directory_.path()};
  std::uint64_t last_seq_ = 0;
};

TEST_F(RecordReaderTest, ReadsOnFromFileToFileWhileTheyGrow) {
  EXPECT_THAT(Read(0, 9), IsEmpty()) << "there is no file";
  Write(1, "a\nb\n");
  EXPECT_THAT(Read(0, 2), ElementsAre("a", "b"));
  Write(1, "c\n");
  Write(4, "d\n");
  EXPECT_THAT(Read(2, 4), ElementsAre("c", "d"));
  EXPECT_EQ(last_seq_, 4U);
  EXPECT_THAT(Read(4, 4), IsEmpty());
  EXPECT_EQ(last_seq_, 4U);
}

TEST_F(RecordReaderTest, ReadsNothingThatIsNotDurable) {
  Write(1, "a\nb\nc");
  EXPECT_THAT(Read(0, 1), ElementsAre("a"));
  EXPECT_THAT(Read(1, 3), ElementsAre("b")) << "the third line has no end";
}

TEST_F(RecordReaderTest, BeginsInTheMiddle) {
  Write(1, "a\nb\nc\n");
  Write(4, "d\ne\n");
  EXPECT_THAT(Read(4, 5), ElementsAre("e"));
  EXPECT_THAT(Read(1, 5), ElementsAre("b", "c", "d", "e")) << "a shipment that failed";
}

TEST_F(RecordReaderTest, GoesOnBehindWhatIsGone) {
  Write(1, "a\n");
  Write(2, "b\n");
  Write(9, "i\nj\n");
  EXPECT_THAT(Read(1, 5), ElementsAre("b")) << "the rest is not durable yet";
  EXPECT_THAT(Read(1, 10), ElementsAre("b", "i", "j"));
  std::filesystem::remove(PathOf(1));
  std::filesystem::remove(PathOf(2));
  EXPECT_THAT(RecordReader(directory_.path()).Read(0, 10)->lines, ElementsAre("i", "j"));
}

TEST_F(RecordReaderTest, BoundsABatch) {
  for (std::size_t i = 0; i < kMaxBatchRecords + 10; ++i) {
    Write(1, "x\n");
  }
  EXPECT_EQ(Read(0, 10'000).size(), kMaxBatchRecords);
  EXPECT_EQ(Read(kMaxBatchRecords, 10'000).size(), 10U);
}

}  // namespace
}  // namespace connector::broker::audit_export
