#include "common/kube/retry_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace connector::kube {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;

using Headers = std::map<std::string, std::string>;

TEST(WaitBeforeRetry, IsWhatRetryAfterSays) {
  EXPECT_EQ(WaitBeforeRetry(429, {{"retry-after", "7"}}), seconds(7));
  EXPECT_EQ(WaitBeforeRetry(503, {{"retry-after", "2"}}), seconds(2));
}

TEST(WaitBeforeRetry, IsASecondForA429ThatSaysNothing) {
  EXPECT_EQ(WaitBeforeRetry(429, {}), seconds(1));
  EXPECT_EQ(WaitBeforeRetry(429, {{"retry-after", "soon"}}), seconds(1));
}

TEST(WaitBeforeRetry, IsNoneForWhatMayHaveHadAnEffect) {
  EXPECT_EQ(WaitBeforeRetry(503, {}), std::nullopt);
  EXPECT_EQ(WaitBeforeRetry(500, Headers{}), std::nullopt);
}

TEST(WaitBeforeRetry, IsNoneForAnAnswer) {
  EXPECT_EQ(WaitBeforeRetry(404, {{"retry-after", "2"}}), std::nullopt);
}

TEST(RetryAfterOf, IsBounded) {
  EXPECT_EQ(RetryAfterOf({{"retry-after", "86400"}}), kMaxRetryAfter);
  EXPECT_EQ(RetryAfterOf({{"retry-after", "99999999999999"}}), kMaxRetryAfter);
  EXPECT_EQ(RetryAfterOf({{"retry-after", "-1"}}), std::nullopt);
}

TEST(WatchBackoff, DoublesUpToHalfAMinute) {
  resilience::Backoff backoff(kWatchBackoff);
  std::vector<Milliseconds::rep> waits;
  for (int i = 0; i < 9; ++i) {
    waits.push_back(backoff.Next(0.999'999).count());
  }
  EXPECT_THAT(waits, ElementsAre(499, 999, 1999, 3999, 7999, 15999, 29999, 29999, 29999));

  backoff.Reset();
  EXPECT_EQ(backoff.Next(0), Milliseconds(250));
}

}  // namespace
}  // namespace connector::kube
