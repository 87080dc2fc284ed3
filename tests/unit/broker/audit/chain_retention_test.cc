// What the chain writer rotates and removes.

#include "tests/support/cpp/result_matchers.h"
#include "tests/unit/broker/audit/chain_writer_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace connector::broker::audit {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing_support::HasError;
using testing_support::HasValue;

constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();

class ChainRetention : public ChainWriterTest {
 protected:
  std::unique_ptr<ChainWriter> OpenOrDie() {
    ChainWriterOptions options = Options();
    options.head_file.clear();
    options.max_file_bytes = 1000;
    auto writer = ChainWriter::Open(std::move(options));
    EXPECT_TRUE(writer.has_value());
    return writer ? std::move(*writer) : nullptr;
  }
  // Each record has some 400 bytes: three make a file.
  void Append(ChainWriter& writer, int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_THAT(ChainWriterTest::Append(writer), HasValue(Done{}));
    }
  }
  [[nodiscard]] std::size_t Files() const { return auditlog::ListAuditFiles(directory_)->size(); }
  [[nodiscard]] std::string LastFile() const {
    std::ifstream in(auditlog::ListAuditFiles(directory_)->back());
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

TEST_F(ChainRetention, BeginsAFileWhenOneIsLargeEnough) {
  const auto writer = OpenOrDie();
  Append(*writer, 2);
  EXPECT_EQ(Files(), 1U);
  Append(*writer, 8);
  EXPECT_GE(Files(), 3U);
  EXPECT_EQ(auditlog::VerifyDirectory(directory_, {*keys_})->records, 10U);
}

TEST_F(ChainRetention, RemovesOldFilesAndSaysSoInTheChain) {
  const auto writer = OpenOrDie();
  Append(*writer, 12);
  const std::size_t before = Files();
  ASSERT_GE(before, 3U);
  const std::uint64_t last = writer->position().seq;

  ASSERT_THAT(writer->RemoveOld({.max_bytes = 1500}, kAll), HasValue(Done{}));

  EXPECT_LT(Files(), before);
  EXPECT_EQ(writer->position().seq, last + 1);
  EXPECT_THAT(LastFile(),
              AllOf(HasSubstr("AUDIT_REMOVED"),
                    HasSubstr("records 1 to "),
                    HasSubstr("are removed by audit.retention")));
  const auto report = auditlog::VerifyDirectory(directory_, {*keys_});
  ASSERT_TRUE(report.has_value());
  EXPECT_GT(report->first.seq, 0U);
  EXPECT_EQ(report->last.seq, last + 1);
  EXPECT_EQ(report->losses, 0U) << "a removal is no loss";
}

TEST_F(ChainRetention, RemovesNothingWithoutARuleOrARecord) {
  const auto writer = OpenOrDie();
  Append(*writer, 12);
  const std::size_t before = Files();

  EXPECT_THAT(writer->RemoveOld({}, kAll), HasValue(Done{}));
  EXPECT_THAT(writer->RemoveOld({.max_bytes = 1500}, 0), HasValue(Done{})) << "not exported";
  EXPECT_EQ(Files(), before);

  faults_.sync = true;
  EXPECT_THAT(writer->RemoveOld({.max_bytes = 1500}, kAll), HasError(ErrorCode::kUnavailable));
  EXPECT_GE(Files(), before);
}

TEST_F(ChainRetention, GoesOnAfterARestart) {
  Append(*OpenOrDie(), 12);
  ASSERT_THAT(OpenOrDie()->RemoveOld({.max_bytes = 1500}, kAll), HasValue(Done{}));
  const auto writer = OpenOrDie();
  ASSERT_NE(writer, nullptr);
  Append(*writer, 1);
  EXPECT_EQ(writer->position().seq, 14U);
}

}  // namespace
}  // namespace connector::broker::audit
