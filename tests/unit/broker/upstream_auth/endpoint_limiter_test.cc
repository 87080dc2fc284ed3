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

EndpointLimiter::Scopes Pull(const std::string& repository) {
  return {{repository, {oci::Action::kPull}}};
}

EndpointLimiter::Attempt At(Time time,
                            const EndpointLimiter::Scopes& scopes = kA,
                            const std::string& subject = "alice") {
  return {"key", subject, scopes, time};
}
EndpointLimiter::Attempt WithAnotherKey() {
  return {"another key", "alice", kA, kLimiterStart};
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

  // Whether an attempt may go; it ends at once.
  bool Admits(Time time,
              const EndpointLimiter::Scopes& scopes = kA,
              const std::string& subject = "alice") {
    return Admits(At(time, scopes, subject));
  }
  bool Admits(const EndpointLimiter::Attempt& attempt) {
    const bool admitted = !limiter_.Admit(attempt).has_value();
    if (admitted) {
      limiter_.Ended(attempt);
    }
    return admitted;
  }
  void FailAt(Time time, ErrorCode code = ErrorCode::kUnavailable, double random = kWhole) {
    limiter_.Failed(At(time), Failure(code), time, random);
  }
  // `subject` fails with scopes of its own.
  void FailAs(const std::string& subject,
              const EndpointLimiter::Scopes& scopes,
              Time time = kLimiterStart,
              seconds retry_after = seconds(0)) {
    limiter_.Failed(
        At(time, scopes, subject), Failure(ErrorCode::kUnavailable, retry_after), time, kWhole);
  }
  // How many mints the subject gets at once, each for scopes of its own, until it is refused.
  int TakeAll(const std::string& subject, Time time) {
    int count = 0;
    while (count < 1000 && Admits(time, Pull(subject + std::to_string(count)), subject)) {
      ++count;
    }
    return count;
  }

  EndpointLimiter limiter_{"default/harbor"};
};

TEST_F(EndpointLimiterTest, AdmitsAtFirst) {
  EXPECT_TRUE(Admits(kLimiterStart));
}

TEST_F(EndpointLimiterTest, HoldsBackTheScopesThatFailedWhoeverAsks) {
  FailAt(kLimiterStart);

  const auto held = limiter_.Admit(At(kLimiterStart + milliseconds(100), kA, "bob"));

  ASSERT_TRUE(held.has_value());
  EXPECT_EQ(held->by, EndpointLimiter::HeldBy::kFailure);
  EXPECT_EQ(held->error, Failure(ErrorCode::kUnavailable, seconds(1)));
  EXPECT_TRUE(Admits(kLimiterStart + milliseconds(500)));
}

TEST_F(EndpointLimiterTest, HoldsBackNothingElseForWhatOneCallerChose) {
  FailAs("mallory", Pull("evil"), kLimiterStart, seconds(3600));
  FailAs("mallory", Pull("worse"), kLimiterStart, seconds(3600));

  EXPECT_TRUE(Admits(kLimiterStart, kA, "mallory"));
  EXPECT_TRUE(Admits(kLimiterStart, kA));
}

TEST_F(EndpointLimiterTest, HoldsBackASubjectOfWhichSeveralScopesFail) {
  for (const char* scopes : {"x", "y", "z"}) {
    FailAs("mallory", Pull(scopes), kLimiterStart, seconds(3600));
  }

  EXPECT_FALSE(Admits(kLimiterStart, kA, "mallory"));
  EXPECT_TRUE(Admits(kLimiterStart, kA));
  EXPECT_FALSE(Admits(kLimiterStart + seconds(29), kA, "mallory"));
  EXPECT_TRUE(Admits(kLimiterStart + seconds(30), kA, "mallory"))
      << "what the service says of some scopes";
}

TEST_F(EndpointLimiterTest, HoldsBackTheConnectorWhenSeveralScopesOfSeveralSubjectsFail) {
  FailAs("alice", Pull("x"));
  FailAs("bob", Pull("y"));
  EXPECT_TRUE(Admits(kLimiterStart, kA, "dave"));
  FailAs("carol", Pull("z"));

  EXPECT_FALSE(Admits(kLimiterStart, kA, "dave"));
  EXPECT_TRUE(Admits(kLimiterStart + milliseconds(500), kA, "dave"));
}

TEST_F(EndpointLimiterTest, TakesOneScopeThatFailsForManyForOneScope) {
  for (const char* subject : {"alice", "bob", "carol", "erin"}) {
    FailAs(subject, Pull("x"));
  }

  EXPECT_TRUE(Admits(kLimiterStart, kA, "dave"));
}

TEST_F(EndpointLimiterTest, TakesAnEndpointThatServesAnybodyForOneThatWorks) {
  FailAs("alice", Pull("x"));
  FailAs("bob", Pull("y"));
  limiter_.Succeeded(At(kLimiterStart, kA, "dave"));
  FailAs("carol", Pull("z"));

  EXPECT_TRUE(Admits(kLimiterStart, kA, "dave"));
}

// A mint that was under way when the others failed.
TEST_F(EndpointLimiterTest, LetsAllGoOnOnceTheEndpointServesOneOfThem) {
  for (const char* scopes : {"x", "y", "z"}) {
    FailAs("mallory", Pull(scopes));
  }
  FailAs("bob", Pull("u"));
  FailAs("carol", Pull("v"));
  ASSERT_FALSE(Admits(kLimiterStart, kA, "dave"));
  ASSERT_FALSE(Admits(kLimiterStart, kA, "mallory"));

  limiter_.Succeeded(At(kLimiterStart, kB, "mallory"));

  EXPECT_TRUE(Admits(kLimiterStart, kA, "dave"));
  EXPECT_TRUE(Admits(kLimiterStart, kA, "mallory"));
  EXPECT_FALSE(Admits(kLimiterStart, Pull("x"), "mallory")) << "that one fails still";
}

TEST_F(EndpointLimiterTest, ForgetsARefusalOfScopesThatItServes) {
  FailAt(kLimiterStart, ErrorCode::kPermissionDenied);
  limiter_.Succeeded(At(kLimiterStart));

  EXPECT_TRUE(Admits(kLimiterStart));
}

TEST_F(EndpointLimiterTest, TakesOneScopeThatFailsAgainAndAgainForOneScope) {
  for (int i = 0; i < 5; ++i) {
    FailAt(kLimiterStart + seconds(i));
  }

  EXPECT_TRUE(Admits(kLimiterStart + seconds(5), kB));
}

TEST_F(EndpointLimiterTest, HoldsBackTheConnectorForNoLongerThanAFailureWould) {
  FailAs("alice", Pull("x"), kLimiterStart, seconds(3600));
  FailAs("bob", Pull("y"), kLimiterStart, seconds(3600));
  FailAs("carol", Pull("z"), kLimiterStart, seconds(3600));

  EXPECT_FALSE(Admits(kLimiterStart + seconds(29), kA, "dave"));
  EXPECT_TRUE(Admits(kLimiterStart + seconds(30), kA, "dave"));
  EXPECT_FALSE(Admits(kLimiterStart + seconds(3599), Pull("x"), "dave"));
}

TEST_F(EndpointLimiterTest, DoesNotAddUpFailuresOfDifferentHours) {
  FailAs("alice", Pull("x"), kLimiterStart - kFailureMemory);
  FailAs("bob", Pull("y"));
  FailAs("carol", Pull("z"));

  EXPECT_TRUE(Admits(kLimiterStart, kA, "dave"));
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

  EXPECT_EQ(limiter_.Admit(At(kLimiterStart + seconds(20)))->error.retry_after, seconds(100));
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
  const ErrorCode codes[] = {
      ErrorCode::kPermissionDenied, ErrorCode::kInvalidArgument, ErrorCode::kNotFound};
  for (const ErrorCode code : codes) {
    const Time start = kLimiterStart + seconds(10) * static_cast<int>(code);
    ASSERT_TRUE(Admits(start));
    FailAt(start, code);
    EXPECT_EQ(limiter_.Admit(At(start + seconds(1)))->error.code, code);
    EXPECT_EQ(limiter_.Admit(At(start + seconds(1)))->error.retry_after, seconds(4));
    EXPECT_TRUE(Admits(start + seconds(1), kB));
    EXPECT_FALSE(Admits(start + milliseconds(4999)));
    EXPECT_TRUE(Admits(start + seconds(5)));
  }
}

TEST_F(EndpointLimiterTest, ForgetsFailuresWhenTheSecretChanges) {
  FailAt(kLimiterStart);
  FailAs("bob", Pull("y"));
  FailAs("carol", Pull("z"));
  FailAt(kLimiterStart, ErrorCode::kPermissionDenied);

  EXPECT_TRUE(Admits(WithAnotherKey()));
}

TEST_F(EndpointLimiterTest, CountsNoFailureOfTheOldSecretWithThoseOfTheNewOne) {
  for (const char* scopes : {"x", "y", "z"}) {
    FailAs("alice", Pull(scopes));
  }
  FailAs("bob", Pull("y"));
  ASSERT_TRUE(Admits(WithAnotherKey())) << "nor those of this subject";

  limiter_.Failed({"another key", "carol", Pull("u"), kLimiterStart},
                  Failure(ErrorCode::kUnavailable),
                  kLimiterStart,
                  kWhole);

  EXPECT_TRUE(Admits({"another key", "dave", kA, kLimiterStart}));
}

TEST_F(EndpointLimiterTest, LearnsNothingAboutTheNewSecretFromTheOldOne) {
  ASSERT_TRUE(Admits(WithAnotherKey()));
  FailAt(kLimiterStart, ErrorCode::kPermissionDenied);
  FailAt(kLimiterStart);
  EXPECT_TRUE(Admits(WithAnotherKey()));

  limiter_.Failed(WithAnotherKey(), Failure(ErrorCode::kPermissionDenied), kLimiterStart, 0);
  limiter_.Succeeded(At(kLimiterStart));
  EXPECT_FALSE(Admits(WithAnotherKey()));
}

TEST_F(EndpointLimiterTest, LimitsTheRateOfASubjectAcrossScopesAndSecrets) {
  constexpr int kShare = 175;  // Seven eighths of the burst.
  for (int i = 0; i < kShare; ++i) {
    ASSERT_TRUE(Admits({std::to_string(i), "alice", i % 2 == 0 ? kA : kB, kLimiterStart})) << i;
  }
  const auto held = limiter_.Admit(At(kLimiterStart));
  ASSERT_TRUE(held.has_value());
  EXPECT_EQ(held->by, EndpointLimiter::HeldBy::kRate);
  EXPECT_EQ(held->error.code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(held->error.origin, ErrorOrigin::kSelf);
  EXPECT_EQ(held->error.retry_after, seconds(1));

  EXPECT_EQ(TakeAll("alice", kLimiterStart + seconds(1)), kMintsPerSecondOfSubject);
}

TEST_F(EndpointLimiterTest, LeavesRoomForOthersWhoeverAsksWithoutEnd) {
  for (int tenth = 0; tenth < 100; ++tenth) {
    const Time now = kLimiterStart + tenth * milliseconds(100);
    TakeAll("mallory", now);
    ASSERT_TRUE(Admits(now, Pull("new" + std::to_string(tenth)))) << tenth;
    ASSERT_TRUE(Admits(now, Pull("other" + std::to_string(tenth)))) << tenth;
  }
}

TEST_F(EndpointLimiterTest, DividesWhatIsUnderWayBySubject) {
  int taken = 0;
  std::optional<EndpointLimiter::Held> held;
  for (int i = 0; !held && i < 1000; ++i, ++taken) {
    held = limiter_.Admit(At(kLimiterStart + i * seconds(1), Pull(std::to_string(i)), "mallory"));
  }

  ASSERT_TRUE(held);
  EXPECT_EQ(taken - 1, 175);
  EXPECT_EQ(held->by, EndpointLimiter::HeldBy::kUnderWay);
  EXPECT_TRUE(Admits(kLimiterStart + seconds(200), kA));
  limiter_.Ended(At(kLimiterStart, kA, "mallory"));
  EXPECT_TRUE(Admits(kLimiterStart + seconds(200), kB, "mallory"));
}

TEST_F(EndpointLimiterTest, HoldsNoPlaceForOneThatTheRateRefused) {
  TakeAll("mallory", kLimiterStart);

  EXPECT_TRUE(limiter_.Idle(kLimiterStart + seconds(100)));
}

TEST_F(EndpointLimiterTest, KeepsABoundedNumberOfRefusals) {
  for (std::size_t i = 0; i <= kMaxRemembered; ++i) {
    limiter_.Failed(At(kLimiterStart, Pull(std::to_string(i))),
                    Failure(ErrorCode::kPermissionDenied),
                    kLimiterStart,
                    0);
  }
  EXPECT_TRUE(Admits(kLimiterStart, Pull("0")));
  EXPECT_FALSE(Admits(kLimiterStart, Pull(std::to_string(kMaxRemembered))));
}

TEST_F(EndpointLimiterTest, KeepsABoundedNumberOfFailures) {
  for (std::size_t i = 0; i <= kMaxRemembered; ++i) {
    const std::string number = std::to_string(i);
    FailAs("subject-" + number, Pull(number));
    limiter_.Succeeded(At(kLimiterStart, kB, "dave"));  // So that the connector goes on.
  }
  EXPECT_TRUE(Admits(kLimiterStart, Pull("0")));
  EXPECT_FALSE(Admits(kLimiterStart, Pull(std::to_string(kMaxRemembered))));
}

TEST_F(EndpointLimiterTest, IsIdleOnceItRemembersNothing) {
  ASSERT_FALSE(limiter_.Admit(At(kLimiterStart)).has_value());
  EXPECT_FALSE(limiter_.Idle(kLimiterStart + seconds(3600))) << "a mint is under way";
  limiter_.Ended(At(kLimiterStart));
  EXPECT_FALSE(limiter_.Idle(kLimiterStart)) << "a part of the rate is taken";
  EXPECT_TRUE(limiter_.Idle(kLimiterStart + seconds(1)));

  FailAs("alice", kA, kLimiterStart, seconds(3600));
  EXPECT_FALSE(limiter_.Idle(kLimiterStart + seconds(3600)));
  EXPECT_TRUE(limiter_.Idle(kLimiterStart + seconds(3600) + kFailureMemory));
}

}  // namespace
}  // namespace connector::broker::upstream_auth
