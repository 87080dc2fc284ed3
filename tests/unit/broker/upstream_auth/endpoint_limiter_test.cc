#include "broker/upstream_auth/endpoint_limiter.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace connector::broker::upstream_auth {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Time = EndpointLimiter::Time;

constexpr Time kLimiterStart{seconds(1'000'000)};
const EndpointLimiter::Scopes kA{{"a", {oci::Action::kPull}}};
const EndpointLimiter::Scopes kB{{"b", {oci::Action::kPull}}};
constexpr double kWhole = 0.999999;  // Nearly all of the jitter's range.

EndpointLimiter::Attempt At(Time time, const EndpointLimiter::Scopes& scopes = kA) {
  return {"key", scopes, time};
}

Error Failure(ErrorCode code, seconds retry_after = seconds(0)) {
  Error error = MakeError(code, ErrorOrigin::kUpstream, "it failed");
  error.retry_after = retry_after;
  return error;
}

class EndpointLimiterTest : public ::testing::Test {
 protected:
  // Long before each test, one attempt that makes "key" the current one.
  void SetUp() override { ASSERT_TRUE(Admits(kLimiterStart - seconds(3600))); }

  bool Admits(Time time, const EndpointLimiter::Scopes& scopes = kA) {
    return !limiter_.Admit(At(time, scopes)).has_value();
  }
  void FailAt(Time time, ErrorCode code = ErrorCode::kUnavailable, double random = kWhole) {
    limiter_.Failed(At(time), Failure(code), time, random);
  }

  EndpointLimiter limiter_{"default/harbor"};
};

TEST_F(EndpointLimiterTest, AdmitsAtFirst) {
  EXPECT_TRUE(Admits(kLimiterStart));
}

TEST_F(EndpointLimiterTest, HoldsEveryScopeBackAfterAFailureOfTheEndpoint) {
  ASSERT_TRUE(Admits(kLimiterStart));
  FailAt(kLimiterStart);

  const std::optional<Error> held = limiter_.Admit(At(kLimiterStart + milliseconds(100), kB));

  ASSERT_TRUE(held.has_value());
  EXPECT_EQ(*held, Failure(ErrorCode::kUnavailable, seconds(1)));
  EXPECT_TRUE(Admits(kLimiterStart + milliseconds(500), kB));
}

TEST_F(EndpointLimiterTest, DoublesTheWaitUpToHalfAMinute) {
  Time now = kLimiterStart;
  for (const milliseconds longest : {milliseconds(500),
                                     milliseconds(1000),
                                     milliseconds(2000),
                                     milliseconds(4000),
                                     milliseconds(8000),
                                     milliseconds(16000),
                                     milliseconds(30000),
                                     milliseconds(30000)}) {
    FailAt(now);
    EXPECT_FALSE(Admits(now + longest - milliseconds(2)));
    now += longest;
    EXPECT_TRUE(Admits(now));
  }
}

TEST_F(EndpointLimiterTest, WaitsAtLeastHalfOfThat) {
  FailAt(kLimiterStart, ErrorCode::kUnavailable, 0);
  EXPECT_FALSE(Admits(kLimiterStart + milliseconds(249)));
  EXPECT_TRUE(Admits(kLimiterStart + milliseconds(250)));
}

TEST_F(EndpointLimiterTest, CountsOverlappingAttemptsAsOneFailure) {
  const EndpointLimiter::Attempt first = At(kLimiterStart);
  const EndpointLimiter::Attempt second = At(kLimiterStart);
  limiter_.Failed(first, Failure(ErrorCode::kUnavailable), kLimiterStart, kWhole);
  limiter_.Failed(
      second, Failure(ErrorCode::kUnavailable), kLimiterStart + milliseconds(1), kWhole);

  EXPECT_TRUE(Admits(kLimiterStart + milliseconds(501)));
}

TEST_F(EndpointLimiterTest, StartsAnewAfterASuccess) {
  FailAt(kLimiterStart);
  FailAt(kLimiterStart + seconds(1));
  limiter_.Succeeded(At(kLimiterStart + seconds(2)));
  EXPECT_TRUE(Admits(kLimiterStart + seconds(2)));

  FailAt(kLimiterStart + seconds(3));
  EXPECT_TRUE(Admits(kLimiterStart + seconds(3) + milliseconds(500)));
}

TEST_F(EndpointLimiterTest, WaitsAsLongAsTheEndpointSays) {
  limiter_.Failed(
      At(kLimiterStart), Failure(ErrorCode::kResourceExhausted, seconds(120)), kLimiterStart, 0);

  EXPECT_EQ(limiter_.Admit(At(kLimiterStart + seconds(20)))->retry_after, seconds(100));
  EXPECT_FALSE(Admits(kLimiterStart + seconds(119)));
  EXPECT_TRUE(Admits(kLimiterStart + seconds(120)));
}

TEST_F(EndpointLimiterTest, NeverShortensAWaitByAnotherFailure) {
  limiter_.Failed(
      At(kLimiterStart), Failure(ErrorCode::kResourceExhausted, seconds(120)), kLimiterStart, 0);
  FailAt(kLimiterStart + milliseconds(1));
  EXPECT_FALSE(Admits(kLimiterStart + seconds(119)));
}

TEST_F(EndpointLimiterTest, RemembersARefusalForItsScopesOnly) {
  for (const ErrorCode code :
       {ErrorCode::kPermissionDenied, ErrorCode::kInvalidArgument, ErrorCode::kNotFound}) {
    limiter_ = EndpointLimiter("default/harbor");
    ASSERT_TRUE(Admits(kLimiterStart));
    FailAt(kLimiterStart, code);
    EXPECT_EQ(limiter_.Admit(At(kLimiterStart + seconds(1)))->code, code);
    EXPECT_TRUE(Admits(kLimiterStart + seconds(1), kB));
    EXPECT_FALSE(Admits(kLimiterStart + milliseconds(4999)));
    EXPECT_TRUE(Admits(kLimiterStart + seconds(5)));
  }
}

TEST_F(EndpointLimiterTest, ForgetsFailuresWhenTheSecretChanges) {
  ASSERT_TRUE(Admits(kLimiterStart));
  FailAt(kLimiterStart);
  FailAt(kLimiterStart, ErrorCode::kPermissionDenied);

  EXPECT_FALSE(limiter_.Admit({"another key", kA, kLimiterStart}).has_value());
}

TEST_F(EndpointLimiterTest, LearnsNothingAboutTheNewSecretFromTheOldOne) {
  ASSERT_TRUE(Admits(kLimiterStart));
  ASSERT_FALSE(limiter_.Admit({"another key", kA, kLimiterStart}).has_value());
  FailAt(kLimiterStart, ErrorCode::kPermissionDenied);
  FailAt(kLimiterStart);
  EXPECT_FALSE(limiter_.Admit({"another key", kA, kLimiterStart}).has_value());

  limiter_.Failed(
      {"another key", kA, kLimiterStart}, Failure(ErrorCode::kPermissionDenied), kLimiterStart, 0);
  limiter_.Succeeded(At(kLimiterStart));
  EXPECT_TRUE(limiter_.Admit({"another key", kA, kLimiterStart}).has_value());
}

TEST_F(EndpointLimiterTest, LimitsTheRateAcrossScopesAndSecrets) {
  for (int i = 0; i < kMintBurst; ++i) {
    ASSERT_FALSE(
        limiter_.Admit({std::to_string(i), i % 2 == 0 ? kA : kB, kLimiterStart}).has_value())
        << i;
  }
  const std::optional<Error> held = limiter_.Admit(At(kLimiterStart));
  ASSERT_TRUE(held.has_value());
  EXPECT_EQ(held->code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(held->retry_after, seconds(1));

  for (int i = 0; i < kMintsPerSecond; ++i) {
    ASSERT_TRUE(Admits(kLimiterStart + seconds(1))) << i;
  }
  EXPECT_FALSE(Admits(kLimiterStart + seconds(1)));
}

TEST_F(EndpointLimiterTest, KeepsABoundedNumberOfRefusals) {
  for (std::size_t i = 0; i <= kMaxRefusals; ++i) {
    const EndpointLimiter::Scopes scopes{{std::to_string(i), {oci::Action::kPull}}};
    limiter_.Failed(
        {"key", scopes, kLimiterStart}, Failure(ErrorCode::kPermissionDenied), kLimiterStart, 0);
  }
  EXPECT_FALSE(limiter_.Admit({"key", {{"0", {oci::Action::kPull}}}, kLimiterStart}).has_value());
  EXPECT_TRUE(
      limiter_.Admit({"key", {{std::to_string(kMaxRefusals), {oci::Action::kPull}}}, kLimiterStart})
          .has_value());
}

}  // namespace
}  // namespace connector::broker::upstream_auth
