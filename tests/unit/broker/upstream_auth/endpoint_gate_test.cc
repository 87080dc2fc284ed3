#include "broker/upstream_auth/endpoint_gate.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace connector::broker::upstream_auth {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Time = EndpointGate::Time;

constexpr Time kNow{seconds(1'000'000)};
const EndpointGate::Scopes kA{{"a", {oci::Action::kPull}}};
const EndpointGate::Scopes kB{{"b", {oci::Action::kPull}}};
constexpr double kWhole = 0.999999;  // Nearly all of the jitter's range.

EndpointGate::Attempt At(Time time, const EndpointGate::Scopes& scopes = kA) {
  return {"key", scopes, time};
}

Error Failure(ErrorCode code, seconds retry_after = seconds(0)) {
  Error error = MakeError(code, ErrorOrigin::kUpstream, "it failed");
  error.retry_after = retry_after;
  return error;
}

class EndpointGateTest : public ::testing::Test {
 protected:
  // Long before each test, one attempt that makes "key" the current one.
  void SetUp() override { ASSERT_TRUE(Admits(kNow - seconds(3600))); }

  bool Admits(Time time, const EndpointGate::Scopes& scopes = kA) {
    return !gate_.Admit(At(time, scopes)).has_value();
  }
  void FailAt(Time time, ErrorCode code = ErrorCode::kUnavailable, double random = kWhole) {
    gate_.Failed(At(time), Failure(code), time, random);
  }

  EndpointGate gate_{"default/harbor"};
};

TEST_F(EndpointGateTest, AdmitsAtFirst) {
  EXPECT_TRUE(Admits(kNow));
}

TEST_F(EndpointGateTest, HoldsEveryScopeBackAfterAFailureOfTheEndpoint) {
  ASSERT_TRUE(Admits(kNow));
  FailAt(kNow);

  const std::optional<Error> held = gate_.Admit(At(kNow + milliseconds(100), kB));

  ASSERT_TRUE(held.has_value());
  EXPECT_EQ(*held, Failure(ErrorCode::kUnavailable, seconds(1)));
  EXPECT_TRUE(Admits(kNow + milliseconds(500), kB));
}

TEST_F(EndpointGateTest, DoublesTheWaitUpToHalfAMinute) {
  Time now = kNow;
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

TEST_F(EndpointGateTest, WaitsAnyPartOfTheRange) {
  FailAt(kNow, ErrorCode::kUnavailable, 0.5);
  EXPECT_FALSE(Admits(kNow + milliseconds(249)));
  EXPECT_TRUE(Admits(kNow + milliseconds(250)));
}

TEST_F(EndpointGateTest, CountsOverlappingAttemptsAsOneFailure) {
  const EndpointGate::Attempt first = At(kNow);
  const EndpointGate::Attempt second = At(kNow);
  gate_.Failed(first, Failure(ErrorCode::kUnavailable), kNow, kWhole);
  gate_.Failed(second, Failure(ErrorCode::kUnavailable), kNow + milliseconds(1), kWhole);

  EXPECT_TRUE(Admits(kNow + milliseconds(501)));
}

TEST_F(EndpointGateTest, StartsAnewAfterASuccess) {
  FailAt(kNow);
  FailAt(kNow + seconds(1));
  gate_.Succeeded(At(kNow + seconds(2)));
  EXPECT_TRUE(Admits(kNow + seconds(2)));

  FailAt(kNow + seconds(3));
  EXPECT_TRUE(Admits(kNow + seconds(3) + milliseconds(500)));
}

TEST_F(EndpointGateTest, WaitsAsLongAsTheEndpointSays) {
  gate_.Failed(At(kNow), Failure(ErrorCode::kResourceExhausted, seconds(120)), kNow, 0);

  EXPECT_EQ(gate_.Admit(At(kNow + seconds(20)))->retry_after, seconds(100));
  EXPECT_FALSE(Admits(kNow + seconds(119)));
  EXPECT_TRUE(Admits(kNow + seconds(120)));
}

TEST_F(EndpointGateTest, NeverShortensAWaitByAnotherFailure) {
  gate_.Failed(At(kNow), Failure(ErrorCode::kResourceExhausted, seconds(120)), kNow, 0);
  FailAt(kNow + milliseconds(1));
  EXPECT_FALSE(Admits(kNow + seconds(119)));
}

TEST_F(EndpointGateTest, RemembersARefusalForItsScopesOnly) {
  for (const ErrorCode code :
       {ErrorCode::kPermissionDenied, ErrorCode::kInvalidArgument, ErrorCode::kNotFound}) {
    gate_ = EndpointGate("default/harbor");
    ASSERT_TRUE(Admits(kNow));
    FailAt(kNow, code);
    EXPECT_EQ(gate_.Admit(At(kNow + seconds(1)))->code, code);
    EXPECT_TRUE(Admits(kNow + seconds(1), kB));
    EXPECT_FALSE(Admits(kNow + milliseconds(4999)));
    EXPECT_TRUE(Admits(kNow + seconds(5)));
  }
}

TEST_F(EndpointGateTest, ForgetsFailuresWhenTheSecretChanges) {
  ASSERT_TRUE(Admits(kNow));
  FailAt(kNow);
  FailAt(kNow, ErrorCode::kPermissionDenied);

  EXPECT_FALSE(gate_.Admit({"another key", kA, kNow}).has_value());
}

TEST_F(EndpointGateTest, LearnsNothingAboutTheNewSecretFromTheOldOne) {
  ASSERT_TRUE(Admits(kNow));
  ASSERT_FALSE(gate_.Admit({"another key", kA, kNow}).has_value());
  FailAt(kNow, ErrorCode::kPermissionDenied);
  FailAt(kNow);
  EXPECT_FALSE(gate_.Admit({"another key", kA, kNow}).has_value());

  gate_.Failed({"another key", kA, kNow}, Failure(ErrorCode::kPermissionDenied), kNow, 0);
  gate_.Succeeded(At(kNow));
  EXPECT_TRUE(gate_.Admit({"another key", kA, kNow}).has_value());
}

TEST_F(EndpointGateTest, LimitsTheRateAcrossScopesAndSecrets) {
  for (int i = 0; i < kMintBurst; ++i) {
    ASSERT_FALSE(gate_.Admit({std::to_string(i), i % 2 == 0 ? kA : kB, kNow}).has_value()) << i;
  }
  const std::optional<Error> held = gate_.Admit(At(kNow));
  ASSERT_TRUE(held.has_value());
  EXPECT_EQ(held->code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(held->retry_after, seconds(1));

  for (int i = 0; i < kMintsPerSecond; ++i) {
    ASSERT_TRUE(Admits(kNow + seconds(1))) << i;
  }
  EXPECT_FALSE(Admits(kNow + seconds(1)));
}

TEST_F(EndpointGateTest, KeepsABoundedNumberOfRefusals) {
  for (std::size_t i = 0; i <= kMaxRefusals; ++i) {
    const EndpointGate::Scopes scopes{{std::to_string(i), {oci::Action::kPull}}};
    gate_.Failed({"key", scopes, kNow}, Failure(ErrorCode::kPermissionDenied), kNow, 0);
  }
  EXPECT_FALSE(gate_.Admit({"key", {{"0", {oci::Action::kPull}}}, kNow}).has_value());
  EXPECT_TRUE(gate_.Admit({"key", {{std::to_string(kMaxRefusals), {oci::Action::kPull}}}, kNow})
                  .has_value());
}

}  // namespace
}  // namespace connector::broker::upstream_auth
