#include "common/resilience/shared_rate.h"

#include <gtest/gtest.h>

#include <string>

namespace connector::resilience {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Rate = SharedRate<std::string>;

constexpr Rate::Time kRateStart{seconds(1'000'000)};

int TakeAll(Rate& rate, const std::string& holder, Rate::Time now) {
  int count = 0;
  while (rate.Take(holder, now)) {
    ++count;
  }
  return count;
}

TEST(ASharedRate, GivesOneHolderNoMoreThanItsWeightTimesWhatIsFree) {
  Rate rate(10, 100, 1);

  EXPECT_EQ(TakeAll(rate, "a", kRateStart), 50);
  EXPECT_EQ(TakeAll(rate, "b", kRateStart), 25);
  EXPECT_TRUE(rate.Take("c", kRateStart));
}

TEST(ASharedRate, GivesOneHolderTheWholeRateWhileNobodyElseAsks) {
  Rate rate(10, 100, 1);
  TakeAll(rate, "a", kRateStart);

  EXPECT_EQ(TakeAll(rate, "a", kRateStart + seconds(1)), 10);
  EXPECT_EQ(TakeAll(rate, "a", kRateStart + seconds(2)), 10);
}

TEST(ASharedRate, GivesOneHolderNoMoreOfTheRateThanEachMayHave) {
  Rate rate(10, 100, 1, 4);
  TakeAll(rate, "a", kRateStart);

  EXPECT_EQ(TakeAll(rate, "a", kRateStart + seconds(1)), 4);
  EXPECT_EQ(TakeAll(rate, "a", kRateStart + seconds(2)), 4);
}

TEST(ASharedRate, DividesTheRateAmongMoreThanMayHaveTheMostOfIt) {
  Rate rate(10, 100, 1, 4);
  for (const char* holder : {"a", "b", "c", "d", "e"}) {
    TakeAll(rate, holder, kRateStart);
  }

  // Two of each come back after one second: what is free grows by ten.
  EXPECT_FALSE(rate.Take("a", kRateStart + seconds(1)));
  EXPECT_EQ(TakeAll(rate, "f", kRateStart + seconds(1)), 7);
}

TEST(ASharedRate, ComesBackInEqualPartsToAllWhoHoldSome) {
  Rate rate(10, 100, 1);
  TakeAll(rate, "a", kRateStart);
  TakeAll(rate, "b", kRateStart);

  // Five come back to each: 45 and 20 are held, and 35 free.
  EXPECT_EQ(TakeAll(rate, "b", kRateStart + seconds(1)), 8);
  EXPECT_TRUE(rate.Take("a", kRateStart + seconds(10)));
}

TEST(ASharedRate, GivesWhatOneDoesNotNeedToTheOthers) {
  Rate rate(10, 100, 1);
  TakeAll(rate, "a", kRateStart);
  ASSERT_TRUE(rate.Take("b", kRateStart));

  EXPECT_FALSE(rate.Full(kRateStart + seconds(5)));
  EXPECT_EQ(rate.holders(), 1U);
  EXPECT_TRUE(rate.Full(kRateStart + milliseconds(5100)));
}

TEST(ASharedRate, GivesTheLastOneToWhoHasNone) {
  Rate rate(1, 1, 1);

  EXPECT_TRUE(rate.Take("a", kRateStart));
  EXPECT_FALSE(rate.Take("b", kRateStart));
  EXPECT_FALSE(rate.Take("b", kRateStart + milliseconds(999)));
  EXPECT_TRUE(rate.Take("b", kRateStart + milliseconds(1000)));
}

TEST(ASharedRate, NeverGivesMoreThanItsBurstAndItsRate) {
  Rate rate(10, 100, 7);
  int taken = 0;
  for (int tenth = 0; tenth <= 100; ++tenth) {
    for (int holder = 0; holder < 500; ++holder) {
      taken += rate.Take(std::to_string(holder), kRateStart + tenth * milliseconds(100)) ? 1 : 0;
    }
  }

  EXPECT_LE(taken, 100 + 10 * 10);
  EXPECT_GE(taken, 100 + 10 * 10 - 1);
}

TEST(ASharedRate, IgnoresAClockThatGoesBack) {
  Rate rate(10, 1, 1);
  ASSERT_TRUE(rate.Take("a", kRateStart));

  EXPECT_FALSE(rate.Take("a", kRateStart - seconds(10)));
  EXPECT_FALSE(rate.Take("a", kRateStart));
}

}  // namespace
}  // namespace connector::resilience
