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
  EventAggregator aggregator("pod-1");

  const auto write = aggregator.Aggregate(Of("no answer"), kStart, kWall);

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
  EventAggregator aggregator("pod-1");

  EXPECT_NE(aggregator.Aggregate(Of("a"), kStart, kWall)->name,
            aggregator.Aggregate(Of("b"), kStart, kWall)->name);
}

TEST(EventAggregator, WritesNothingOfARepetitionThatComesSoon) {
  EventAggregator aggregator("pod-1");
  (void)aggregator.Aggregate(Of("a"), kStart, kWall);

  EXPECT_EQ(aggregator.Aggregate(Of("a"), kStart + seconds(29), kWall), std::nullopt);
}

TEST(EventAggregator, CountsRepetitionsInASeries) {
  EventAggregator aggregator("pod-1");
  const auto first = aggregator.Aggregate(Of("a"), kStart, kWall);
  (void)aggregator.Aggregate(Of("a"), kStart + seconds(10), kWall);

  const auto third = aggregator.Aggregate(Of("a"), kStart + seconds(30), kWall);

  ASSERT_TRUE(third && !third->create);
  EXPECT_EQ(third->name, first->name);
  EXPECT_EQ(third->body.at("series").at("count"), 3);
}

TEST(EventAggregator, BeginsAnewAfterALongSilence) {
  EventAggregator aggregator("pod-1");
  (void)aggregator.Aggregate(Of("a"), kStart, kWall);

  EXPECT_TRUE(aggregator.Aggregate(Of("a"), kStart + kSeriesWindow + seconds(1), kWall)->create);
}

TEST(EventAggregator, LimitsAConnectorThatChangesAllTheTime) {
  EventAggregator aggregator("pod-1");
  for (int i = 0; i < kBurst; ++i) {
    ASSERT_TRUE(aggregator.Aggregate(Of(std::to_string(i)), kStart, kWall));
  }

  EXPECT_EQ(aggregator.Aggregate(Of("more"), kStart, kWall), std::nullopt);
  EXPECT_TRUE(aggregator.Aggregate(Of("other", "another uid"), kStart, kWall));
  EXPECT_TRUE(aggregator.Aggregate(Of("later"), kStart + kRefill, kWall));
}

TEST(EventAggregator, LimitsAllConnectorsTogether) {
  EventAggregator aggregator("pod-1");
  for (int i = 0; i < kTotalBurst; ++i) {
    ASSERT_TRUE(aggregator.Aggregate(Of("a", std::to_string(i)), kStart, kWall));
  }

  EXPECT_EQ(aggregator.Aggregate(Of("a", "one more"), kStart, kWall), std::nullopt);
  EXPECT_TRUE(aggregator.Aggregate(Of("b", "one more"), kStart + kTotalRefill, kWall));
}

}  // namespace
}  // namespace connector::controller
