#include "common/resilience/token_bucket.h"

#include <gtest/gtest.h>

namespace connector::resilience {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const TokenBucket::Time kNow = TokenBucket::Time() + std::chrono::hours(1000);

int TakeAll(TokenBucket& bucket, TokenBucket::Time now) {
  int taken = 0;
  while (bucket.Take(now)) {
    ++taken;
  }
  return taken;
}

TEST(TokenBucket, GivesItsBurstAtOnceAndThenItsRate) {
  TokenBucket bucket(50, 200, kNow);

  EXPECT_EQ(TakeAll(bucket, kNow), 200);
  EXPECT_EQ(TakeAll(bucket, kNow + seconds(1)), 50);
  EXPECT_EQ(TakeAll(bucket, kNow + seconds(100)), 200) << "no more than the burst is saved";
}

TEST(TokenBucket, SaysWhenTheNextTokenComes) {
  TokenBucket bucket(4, 1, kNow);
  EXPECT_EQ(bucket.NextAt(kNow), kNow);
  ASSERT_TRUE(bucket.Take(kNow));

  EXPECT_EQ(bucket.NextAt(kNow), kNow + milliseconds(250));
  EXPECT_FALSE(bucket.Take(kNow + milliseconds(249)));
  EXPECT_TRUE(bucket.Take(kNow + milliseconds(250)));
}

TEST(TokenBucket, IsNotEmptyForTheLastBillionthOfAToken) {
  TokenBucket bucket(3, 1, kNow);
  for (auto now = kNow; now < kNow + seconds(100); now = bucket.NextAt(now)) {
    ASSERT_TRUE(bucket.Take(now));
  }
}

TEST(TokenBucket, IsFullAgainWhenEverythingCameBack) {
  TokenBucket bucket(1, 2, kNow);
  EXPECT_TRUE(bucket.Full(kNow));
  ASSERT_TRUE(bucket.Take(kNow));

  EXPECT_TRUE(bucket.Has(kNow));
  EXPECT_FALSE(bucket.Full(kNow + milliseconds(999)));
  EXPECT_TRUE(bucket.Full(kNow + seconds(1)));
}

TEST(TokenBucket, GainsNothingFromAClockThatWasSetBack) {
  TokenBucket bucket(1, 1, kNow);
  ASSERT_TRUE(bucket.Take(kNow));

  EXPECT_FALSE(bucket.Take(kNow - seconds(100)));
  EXPECT_FALSE(bucket.Take(kNow));
}

}  // namespace
}  // namespace connector::resilience
