#include "common/resilience/backoff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace connector::resilience {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;

constexpr BackoffOptions kBackoffOptions{milliseconds(200), milliseconds(1000)};
constexpr double kNearlyOne = 0.999'999'999;

TEST(BackoffAfter, DoublesUpToItsLongest) {
  std::vector<milliseconds::rep> waits;
  for (const unsigned failures : {1U, 2U, 3U, 4U, 1'000'000U}) {
    waits.push_back(BackoffAfter(kBackoffOptions, failures, 1.0).count());
  }
  EXPECT_THAT(waits, ElementsAre(200, 400, 800, 1000, 1000));
}

TEST(BackoffAfter, IsFromHalfOfThatToAllOfIt) {
  EXPECT_EQ(BackoffAfter(kBackoffOptions, 3, 0.0), milliseconds(400));
  EXPECT_EQ(BackoffAfter(kBackoffOptions, 3, 0.5), milliseconds(600));
  EXPECT_EQ(BackoffAfter(kBackoffOptions, 3, kNearlyOne), milliseconds(799));
}

TEST(BackoffAfter, TakesNoFailureForOne) {
  EXPECT_EQ(BackoffAfter(kBackoffOptions, 0, 1.0), milliseconds(200));
}

TEST(Backoff, CountsTheFailuresUntilItIsReset) {
  Backoff backoff(kBackoffOptions);
  EXPECT_EQ(backoff.Next(1.0), milliseconds(200));
  EXPECT_EQ(backoff.Next(1.0), milliseconds(400));

  backoff.Reset();

  EXPECT_EQ(backoff.Next(1.0), milliseconds(200));
}

TEST(SpreadPeriod, MovesAPeriodByATenthEitherWay) {
  EXPECT_EQ(SpreadPeriod(seconds(100), 0.0), seconds(90));
  EXPECT_EQ(SpreadPeriod(seconds(100), 0.5), seconds(100));
  EXPECT_EQ(SpreadPeriod(milliseconds(1000), kNearlyOne), milliseconds(1099));
}

}  // namespace
}  // namespace connector::resilience
