#include "controller/events/event_aggregator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::controller {
namespace {

using std::chrono::seconds;

constexpr EventBook::SteadyTime kNow{seconds(10'000)};
constexpr WallTime kWall{seconds{1'800'000'000}};

Happening Of(const std::string& message, const std::string& uid = "u") {
  return {{"default", "harbor"}, uid, true, "ConnectionFailed", message};
}

TEST(EventBook, MakesAnEventOfWhatHappens) {
  EventBook book("pod-1");

  const auto write = book.Note(Of("no answer"), kNow, kWall);

  ASSERT_TRUE(write && write->create);
  EXPECT_EQ(write->body.at("reason"), "ConnectionFailed");
  EXPECT_EQ(write->body.at("type"), "Warning");
  EXPECT_EQ(write->body.at("note"), "no answer");
  EXPECT_EQ(write->body.at("eventTime"), "2027-01-15T08:00:00.000000Z");
  EXPECT_EQ(write->body.at("reportingInstance"), "pod-1");
  EXPECT_EQ(write->body.at("regarding").at("uid"), "u");
  EXPECT_EQ(write->body.at("metadata").at("namespace"), "default");
}

TEST(EventBook, GivesEveryEventANameOfItsOwn) {
  EventBook book("pod-1");

  EXPECT_NE(book.Note(Of("a"), kNow, kWall)->name, book.Note(Of("b"), kNow, kWall)->name);
}

TEST(EventBook, WritesNothingOfARepetitionThatComesSoon) {
  EventBook book("pod-1");
  (void)book.Note(Of("a"), kNow, kWall);

  EXPECT_EQ(book.Note(Of("a"), kNow + seconds(29), kWall), std::nullopt);
}

TEST(EventBook, CountsRepetitionsInASeries) {
  EventBook book("pod-1");
  const auto first = book.Note(Of("a"), kNow, kWall);
  (void)book.Note(Of("a"), kNow + seconds(10), kWall);

  const auto third = book.Note(Of("a"), kNow + seconds(30), kWall);

  ASSERT_TRUE(third && !third->create);
  EXPECT_EQ(third->name, first->name);
  EXPECT_EQ(third->body.at("series").at("count"), 3);
}

TEST(EventBook, BeginsAnewAfterALongSilence) {
  EventBook book("pod-1");
  (void)book.Note(Of("a"), kNow, kWall);

  EXPECT_TRUE(book.Note(Of("a"), kNow + kSeriesWindow + seconds(1), kWall)->create);
}

TEST(EventBook, LimitsAConnectorThatChangesAllTheTime) {
  EventBook book("pod-1");
  for (int i = 0; i < kBurst; ++i) {
    ASSERT_TRUE(book.Note(Of(std::to_string(i)), kNow, kWall));
  }

  EXPECT_EQ(book.Note(Of("more"), kNow, kWall), std::nullopt);
  EXPECT_TRUE(book.Note(Of("other", "another uid"), kNow, kWall));
  EXPECT_TRUE(book.Note(Of("later"), kNow + kRefill, kWall));
}

TEST(EventBook, LimitsAllConnectorsTogether) {
  EventBook book("pod-1");
  for (int i = 0; i < kTotalBurst; ++i) {
    ASSERT_TRUE(book.Note(Of("a", std::to_string(i)), kNow, kWall));
  }

  EXPECT_EQ(book.Note(Of("a", "one more"), kNow, kWall), std::nullopt);
  EXPECT_TRUE(book.Note(Of("b", "one more"), kNow + kTotalRefill, kWall));
}

}  // namespace
}  // namespace connector::controller
