#include "common/resilience/token_bucket.h"

#include <gtest/gtest.h>

namespace connector::resilience {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const TokenBucket::Time kTokenBucketNow = TokenBucket::Time() + std::chrono::hours(1000);

int TakeAll(TokenBucket& bucket, TokenBucket::Time now) {
  int taken = 0;
  while (bucket.Take(now)) {
    ++taken;
  }
  return taken;
}

TEST(TokenBucket, GivesItsBurstAtOnceAndThenItsRate) {
  TokenBucket bucket(50, 200, kTokenBucketNow);

  EXPECT_EQ(TakeAll(bucket, kTokenBucketNow), 200);
  EXPECT_EQ(TakeAll(bucket, kTokenBucketNow + seconds(1)), 50);
  EXPECT_EQ(TakeAll(bucket, kTokenBucketNow + seconds(100)), 200)
      << "no more than the burst is saved";
}

TEST(TokenBucket, SaysWhenTheNextTokenComes) {
  TokenBucket bucket(4, 1, kTokenBucketNow);
  EXPECT_EQ(bucket.NextAt(kTokenBucketNow), kTokenBucketNow);
  ASSERT_TRUE(bucket.Take(kTokenBucketNow));

  EXPECT_EQ(bucket.NextAt(kTokenBucketNow), kTokenBucketNow + milliseconds(250));
  EXPECT_FALSE(bucket.Take(kTokenBucketNow + milliseconds(249)));
  EXPECT_TRUE(bucket.Take(kTokenBucketNow + milliseconds(250)));
}

TEST(TokenBucket, IsNotEmptyForTheLastBillionthOfAToken) {
  TokenBucket bucket(3, 1, kTokenBucketNow);
  for (auto now = kTokenBucketNow; now < kTokenBucketNow + seconds(100); now = bucket.NextAt(now)) {
    ASSERT_TRUE(bucket.Take(now));
  }
}

TEST(TokenBucket, IsFullAgainWhenEverythingCameBack) {
  TokenBucket bucket(1, 2, kTokenBucketNow);
  EXPECT_TRUE(bucket.Full(kTokenBucketNow));
  ASSERT_TRUE(bucket.Take(kTokenBucketNow));

  EXPECT_TRUE(bucket.Has(kTokenBucketNow));
  EXPECT_FALSE(bucket.Full(kTokenBucketNow + milliseconds(999)));
  EXPECT_TRUE(bucket.Full(kTokenBucketNow + seconds(1)));
}

TEST(TokenBucket, GainsNothingFromAClockThatWasSetBack) {
  TokenBucket bucket(1, 1, kTokenBucketNow);
  ASSERT_TRUE(bucket.Take(kTokenBucketNow));

  EXPECT_FALSE(bucket.Take(kTokenBucketNow - seconds(100)));
  EXPECT_FALSE(bucket.Take(kTokenBucketNow));
}

}  // namespace
}  // namespace connector::resilience
