#include "common/resilience/circuit_breaker.h"

#include <gtest/gtest.h>

#include <vector>

namespace connector::resilience {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Time = CircuitBreaker::Time;

constexpr milliseconds kFirst{250};
constexpr CircuitBreakerOptions kOptions{.backoff = {kFirst, milliseconds(5000)},
                                         .longest_retry_after = seconds(60)};
const Time kNow = Time() + std::chrono::hours(1000);
const Time kHalfOpen = kNow + kFirst;

Error Down(seconds retry_after = seconds(0)) {
  Error error = MakeError(ErrorCode::kUnavailable, ErrorOrigin::kUpstream, "it is down");
  error.retry_after = retry_after;
  return error;
}

class CircuitBreakerTest : public ::testing::Test {
 protected:
  void FailAt(Time now, double random = 1.0) { breaker_.Failed(Down(), now, now, random); }
  bool Admits(Time now) { return !breaker_.Admit(now).has_value(); }

  CircuitBreaker breaker_{kOptions};
};

TEST_F(CircuitBreakerTest, LetsEverybodyThroughWhileAllIsWell) {
  EXPECT_TRUE(Admits(kNow));
  EXPECT_TRUE(Admits(kNow));
  EXPECT_FALSE(breaker_.failing());
}

TEST_F(CircuitBreakerTest, OpensAfterAFailureAndSaysWhyAndUntilWhen) {
  FailAt(kNow);

  const auto held = breaker_.Admit(kNow);

  ASSERT_TRUE(held.has_value());
  EXPECT_EQ(held->error, Down(seconds(1)));
  EXPECT_EQ(held->until, kNow + kFirst);
  EXPECT_EQ(held->failures, 1U);
}

TEST_F(CircuitBreakerTest, LetsOneProbeThroughAndKeepsTheOthersOutUntilItIsBack) {
  FailAt(kNow);

  EXPECT_TRUE(Admits(kHalfOpen)) << "the probe";
  EXPECT_FALSE(Admits(kHalfOpen));
  EXPECT_TRUE(breaker_.Succeeded());
  EXPECT_TRUE(Admits(kHalfOpen));
  EXPECT_TRUE(Admits(kHalfOpen));
}

TEST_F(CircuitBreakerTest, LetsEverybodyProbeWhereItIsToldTo) {
  CircuitBreakerOptions options = kOptions;
  options.one_probe = false;
  CircuitBreaker breaker(options);
  breaker.Failed(Down(), kNow, kNow, 1.0);

  EXPECT_TRUE(breaker.Admit(kHalfOpen - milliseconds(1)).has_value());
  EXPECT_FALSE(breaker.Admit(kHalfOpen).has_value());
  EXPECT_FALSE(breaker.Admit(kHalfOpen).has_value());
  EXPECT_EQ(breaker.NextTry(kHalfOpen), kHalfOpen);
}

TEST_F(CircuitBreakerTest, ForgetsAProbeThatNeverCameBack) {
  FailAt(kNow);
  ASSERT_TRUE(Admits(kHalfOpen));

  EXPECT_FALSE(Admits(kHalfOpen + kOptions.longest_probe - milliseconds(1)));
  EXPECT_TRUE(Admits(kHalfOpen + kOptions.longest_probe));
}

TEST_F(CircuitBreakerTest, TellsWhoWaitsToComeLaterWhileAProbeIsOut) {
  FailAt(kNow);
  EXPECT_EQ(breaker_.NextTry(kNow), kHalfOpen);

  ASSERT_TRUE(Admits(kHalfOpen));

  EXPECT_EQ(breaker_.NextTry(kHalfOpen), kHalfOpen + kOptions.probe_pause);
  EXPECT_EQ(breaker_.Admit(kHalfOpen)->until, kHalfOpen + kOptions.probe_pause);
}

TEST_F(CircuitBreakerTest, AdmitsAnotherWhenTheProbeWasAbandoned) {
  FailAt(kNow);
  ASSERT_TRUE(Admits(kHalfOpen));

  breaker_.Abandoned();

  EXPECT_TRUE(Admits(kHalfOpen));
}

TEST_F(CircuitBreakerTest, DoublesTheWaitWithEachFailedProbeUpToItsLongest) {
  Time now = kNow;
  std::vector<milliseconds::rep> waits;
  for (int i = 0; i < 7; ++i) {
    ASSERT_TRUE(Admits(now));
    FailAt(now);
    waits.push_back(std::chrono::duration_cast<milliseconds>(breaker_.until() - now).count());
    now = breaker_.until();
  }

  EXPECT_EQ(waits, (std::vector<milliseconds::rep>{250, 500, 1000, 2000, 4000, 5000, 5000}));
}

TEST_F(CircuitBreakerTest, WaitsAtLeastHalfOfThat) {
  FailAt(kNow, 0.0);

  EXPECT_EQ(breaker_.until(), kNow + kFirst / 2);
}

TEST_F(CircuitBreakerTest, WaitsAsLongAsTheOtherSideSays) {
  breaker_.Failed(Down(seconds(7)), kNow, kNow, 0.0);
  EXPECT_EQ(breaker_.until(), kNow + seconds(7));

  CircuitBreaker absurd(kOptions);
  absurd.Failed(Down(seconds(3000)), kNow, kNow, 0.0);
  EXPECT_EQ(absurd.until(), kNow + kOptions.longest_retry_after);
}

TEST_F(CircuitBreakerTest, NeverShortensAWaitByAnotherFailure) {
  breaker_.Failed(Down(seconds(7)), kNow, kNow, 0.0);
  FailAt(kNow + milliseconds(1));

  EXPECT_EQ(breaker_.until(), kNow + seconds(7));
}

TEST_F(CircuitBreakerTest, IsNotOpenLongerForAttemptsThatWereUnderWayAlready) {
  FailAt(kNow);
  breaker_.Failed(Down(), kNow, kNow + milliseconds(5), 1.0);
  breaker_.Failed(Down(), kNow - seconds(1), kNow + milliseconds(9), 1.0);

  EXPECT_EQ(breaker_.until(), kNow + kFirst);
  EXPECT_EQ(breaker_.Admit(kNow)->failures, 1U);
}

TEST_F(CircuitBreakerTest, KeepsTheProbeOutWhenAnOlderAttemptFails) {
  FailAt(kNow);
  ASSERT_TRUE(Admits(kHalfOpen));

  breaker_.Failed(Down(), kNow, kHalfOpen, 1.0);

  EXPECT_FALSE(Admits(kHalfOpen));
}

TEST_F(CircuitBreakerTest, StartsAnewAfterASuccess) {
  FailAt(kNow);
  FailAt(kNow + seconds(1));
  ASSERT_EQ(breaker_.until(), kNow + seconds(1) + 2 * kFirst);

  EXPECT_TRUE(breaker_.Succeeded());
  EXPECT_FALSE(breaker_.Succeeded()) << "says once that it is back";
  FailAt(kNow + seconds(2));

  EXPECT_EQ(breaker_.until(), kNow + seconds(2) + kFirst);
}

}  // namespace
}  // namespace connector::resilience
