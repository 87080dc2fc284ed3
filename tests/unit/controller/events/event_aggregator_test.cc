#include "controller/events/event_aggregator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::controller {
namespace {

using std::chrono::seconds;

constexpr EventAggregator::SteadyTime kStart{seconds(10'000)};
constexpr WallTime kWall{seconds{1'800'000'000}};

EventNote Of(const std::string& message, const std::string& uid = "u") {
  return {{"default", "harbor"}, uid, true, "ConnectionFailed", message};
}

TEST(EventAggregator, MakesAnEventOfWhatHappens) {
  EventAggregator book("pod-1");

  const auto write = book.Note(Of("no answer"), kStart, kWall);

  ASSERT_TRUE(write && write->create);
  EXPECT_EQ(write->body.at("reason"), "ConnectionFailed");
  EXPECT_EQ(write->body.at("type"), "Warning");
  EXPECT_EQ(write->body.at("note"), "no answer");
  EXPECT_EQ(write->body.at("eventTime"), "2027-01-15T08:00:00.000000Z");
  EXPECT_EQ(write->body.at("reportingInstance"), "pod-1");
  EXPECT_EQ(write->body.at("regarding").at("uid"), "u");
  EXPECT_EQ(write->body.at("metadata").at("namespace"), "default");
}

TEST(EventAggregator, GivesEveryEventANameOfItsOwn) {
  EventAggregator book("pod-1");

  EXPECT_NE(book.Note(Of("a"), kStart, kWall)->name, book.Note(Of("b"), kStart, kWall)->name);
}

TEST(EventAggregator, WritesNothingOfARepetitionThatComesSoon) {
  EventAggregator book("pod-1");
  (void)book.Note(Of("a"), kStart, kWall);

  EXPECT_EQ(book.Note(Of("a"), kStart + seconds(29), kWall), std::nullopt);
}

TEST(EventAggregator, CountsRepetitionsInASeries) {
  EventAggregator book("pod-1");
  const auto first = book.Note(Of("a"), kStart, kWall);
  (void)book.Note(Of("a"), kStart + seconds(10), kWall);

  const auto third = book.Note(Of("a"), kStart + seconds(30), kWall);

  ASSERT_TRUE(third && !third->create);
  EXPECT_EQ(third->name, first->name);
  EXPECT_EQ(third->body.at("series").at("count"), 3);
}

TEST(EventAggregator, BeginsAnewAfterALongSilence) {
  EventAggregator book("pod-1");
  (void)book.Note(Of("a"), kStart, kWall);

  EXPECT_TRUE(book.Note(Of("a"), kStart + kSeriesWindow + seconds(1), kWall)->create);
}

TEST(EventAggregator, LimitsAConnectorThatChangesAllTheTime) {
  EventAggregator book("pod-1");
  for (int i = 0; i < kBurst; ++i) {
    ASSERT_TRUE(book.Note(Of(std::to_string(i)), kStart, kWall));
  }

  EXPECT_EQ(book.Note(Of("more"), kStart, kWall), std::nullopt);
  EXPECT_TRUE(book.Note(Of("other", "another uid"), kStart, kWall));
  EXPECT_TRUE(book.Note(Of("later"), kStart + kRefill, kWall));
}

TEST(EventAggregator, LimitsAllConnectorsTogether) {
  EventAggregator book("pod-1");
  for (int i = 0; i < kTotalBurst; ++i) {
    ASSERT_TRUE(book.Note(Of("a", std::to_string(i)), kStart, kWall));
  }

  EXPECT_EQ(book.Note(Of("a", "one more"), kStart, kWall), std::nullopt);
  EXPECT_TRUE(book.Note(Of("b", "one more"), kStart + kTotalRefill, kWall));
}

}  // namespace
}  // namespace connector::controller
