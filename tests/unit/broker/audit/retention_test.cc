#include "broker/audit/retention.h"

#include "tests/support/cpp/scratch_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::broker::audit {
namespace {

using std::chrono::hours;

const WallTime kNow{hours(24 * 20000)};

// One file a day, 100 bytes each; the last one was written a day ago.
std::vector<ClosedAuditFile> Days(int count) {
  std::vector<ClosedAuditFile> files;
  for (int i = 0; i < count; ++i) {
    const auto first = static_cast<std::uint64_t>(10 * i + 1);
    files.push_back({.path = "file " + std::to_string(i),
                     .first_seq = first,
                     .last_seq = first + 9,
                     .bytes = 100,
                     .written = kNow - hours(24 * (count - i))});
  }
  return files;
}

TEST(AuditRetention, RemovesNothingWithoutARule) {
  EXPECT_EQ(CountToRemove(Days(5), {}, {.now = kNow, .volume = {1000, 0}}), 0U);
}

TEST(AuditRetention, RemovesWhatIsOlder) {
  EXPECT_EQ(CountToRemove(Days(5), {.max_age = hours(24 * 3)}, {.now = kNow}), 2U);
  EXPECT_EQ(CountToRemove(Days(5), {.max_age = hours(24 * 9)}, {.now = kNow}), 0U);
}

TEST(AuditRetention, RemovesTheOldestWhileAllAreTooLarge) {
  EXPECT_EQ(CountToRemove(Days(5), {.max_bytes = 350}, {.now = kNow, .open_bytes = 50}), 2U);
  EXPECT_EQ(CountToRemove(Days(5), {.max_bytes = 550}, {.now = kNow, .open_bytes = 50}), 0U);
}

TEST(AuditRetention, RemovesTheOldestWhileTheVolumeIsAlmostFull) {
  const RetentionRule rule{.when_full = true};
  EXPECT_EQ(CountToRemove(Days(5), rule, {.now = kNow, .volume = {2000, 40}}), 1U);
  EXPECT_EQ(CountToRemove(Days(5), rule, {.now = kNow, .volume = {2000, 140}}), 0U);
  EXPECT_EQ(CountToRemove(Days(5), rule, {.now = kNow, .volume = {}}), 0U) << "nothing is known";
}

TEST(AuditRetention, KeepsWhatWasNotExported) {
  EXPECT_EQ(CountToRemove(Days(5), {.max_age = hours(1)}, {.now = kNow, .exported_through = 25}),
            2U);
}

TEST(AuditRetention, ListsClosedFilesWithTheirRecords) {
  const testing_support::ScratchDir directory;
  for (const char* name : {"audit-00000000000000000001.jsonl",
                           "audit-00000000000000000011.jsonl",
                           "audit-00000000000000000021.jsonl",
                           "audit-00000000000000000001.jsonl.5.torn"}) {
    testing_support::ReplaceFile(directory / name, "12345");
  }

  const std::vector<ClosedAuditFile> closed = ListClosedFiles(directory.path(), 21);

  ASSERT_EQ(closed.size(), 2U);
  EXPECT_EQ(closed[0].last_seq, 10U);
  EXPECT_EQ(closed[1].first_seq, 11U);
  EXPECT_EQ(closed[1].last_seq, 20U);
  EXPECT_EQ(closed[1].bytes, 5U);
}

TEST(AuditVolume, SaysHowMuchIsUsed) {
  EXPECT_EQ((AuditVolume{1000, 200}.UsedPercent()), 80U);
  EXPECT_EQ((AuditVolume{1000, 0}.UsedPercent()), 100U);
  EXPECT_EQ(AuditVolume{}.UsedPercent(), 0U);
  EXPECT_GT(LookAtVolume("/tmp").bytes, 0U);
}

}  // namespace
}  // namespace connector::broker::audit
