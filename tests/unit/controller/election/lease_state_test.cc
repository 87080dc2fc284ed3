#include "controller/election/lease_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::controller::election {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;

constexpr SteadyTime kStart{seconds(1000)};
constexpr WallTime kWall{seconds(1'800'000'000)};

ObservedLease LeaseOf(std::string holder, std::string renewed, std::string version = "1") {
  return {{std::move(holder), 15, "a", std::move(renewed), 3}, std::move(version)};
}

class LeaseStateTest : public ::testing::Test {
 protected:
  // Nothing of chance: what is drawn is always 0.
  LeaseState state_{"me", LeaseTimes{}, [] { return 0.0; }};

  void Lead(SteadyTime at = kStart) { state_.Written(LeaseOf("me", "t0"), at); }
};

TEST_F(LeaseStateTest, CreatesALeaseThatIsNotThere) {
  EXPECT_EQ(state_.Next(kStart), (LeasePlan{LeaseMove::kCreate, {}}));
}

TEST_F(LeaseStateTest, TakesALeaseThatNobodyHoldsAtOnce) {
  state_.ObserveWatch(LeaseOf("", "t0"), kStart);

  EXPECT_EQ(state_.Next(kStart), (LeasePlan{LeaseMove::kTake, {}}));
}

TEST_F(LeaseStateTest, WaitsForTheWholeDurationFromWhenItSawARecordFirst) {
  state_.ObserveWatch(LeaseOf("other", "t0"), kStart);

  EXPECT_EQ(state_.Next(kStart + milliseconds(14'999)),
            (LeasePlan{LeaseMove::kWait, kStart + seconds(15)}));
  EXPECT_EQ(state_.Next(kStart + seconds(15)), (LeasePlan{LeaseMove::kTake, kStart + seconds(15)}));
}

TEST_F(LeaseStateTest, TrustsNoClockOfTheHolder) {
  state_.ObserveWatch(LeaseOf("other", "1970-01-01T00:00:00.000000Z"), kStart);

  EXPECT_EQ(state_.Next(kStart + seconds(1)).move, LeaseMove::kWait);
}

TEST_F(LeaseStateTest, WaitsAnewWhenTheRecordChanges) {
  state_.ObserveWatch(LeaseOf("other", "t0", "1"), kStart);
  state_.ObserveWatch(LeaseOf("other", "t1", "2"), kStart + seconds(10));

  EXPECT_EQ(state_.Next(kStart + seconds(20)), (LeasePlan{LeaseMove::kWait, kStart + seconds(25)}));
}

TEST_F(LeaseStateTest, TakesAVersionWithoutAChangeOfTheRecordForNoSignOfLife) {
  state_.ObserveWatch(LeaseOf("other", "t0", "1"), kStart);
  state_.ObserveWatch(LeaseOf("other", "t0", "2"), kStart + seconds(10));

  EXPECT_EQ(state_.Next(kStart + seconds(15)).move, LeaseMove::kTake);
}

TEST_F(LeaseStateTest, GivesAHolderTheLongerTimeThatItsRecordSays) {
  ObservedLease lease = LeaseOf("other", "t0");
  lease.record.duration_seconds = 60;
  state_.ObserveWatch(lease, kStart);

  EXPECT_EQ(state_.Next(kStart + seconds(59)), (LeasePlan{LeaseMove::kWait, kStart + seconds(60)}));
}

TEST_F(LeaseStateTest, HoldsFromTheTimeBeforeTheRequestLeft) {
  state_.Written(LeaseOf("me", "t0"), kStart);

  EXPECT_THAT(state_.HeldUntil(), Optional(kStart + seconds(10)));
  EXPECT_TRUE(state_.Holds(kStart + milliseconds(9'999)));
  EXPECT_FALSE(state_.Holds(kStart + seconds(10)));
}

TEST_F(LeaseStateTest, RenewsAfterThePeriod) {
  Lead();

  EXPECT_EQ(state_.Next(kStart + seconds(1)), (LeasePlan{LeaseMove::kRenew, kStart + seconds(5)}));
}

TEST_F(LeaseStateTest, TriesAgainSoonAfterARenewalThatFailed) {
  Lead();
  state_.Failed(kStart + seconds(5));

  EXPECT_EQ(state_.Next(kStart + seconds(5)), (LeasePlan{LeaseMove::kRenew, kStart + seconds(7)}));
  EXPECT_THAT(state_.HeldUntil(), Optional(kStart + seconds(10)));
}

TEST_F(LeaseStateTest, ARenewalThatFailedProlongsNothing) {
  Lead();
  state_.Failed(kStart + milliseconds(9'500));

  EXPECT_FALSE(state_.Holds(kStart + seconds(10)));
}

TEST_F(LeaseStateTest, HeedsNoLateNewsWhileItHolds) {
  Lead();
  state_.ObserveWatch(LeaseOf("other", "t0", "0"), kStart + seconds(1));

  EXPECT_TRUE(state_.Holds(kStart + seconds(1)));
  EXPECT_THAT(state_.lease(), Optional(LeaseOf("me", "t0")));
}

TEST_F(LeaseStateTest, LosesAtOnceWhenAReadShowsAnotherHolder) {
  Lead();
  state_.ObserveRead(LeaseOf("other", "t5", "2"), kStart + seconds(5));

  EXPECT_FALSE(state_.Holds(kStart + seconds(5)));
  EXPECT_EQ(state_.Next(kStart + seconds(5)).move, LeaseMove::kWait);
}

TEST_F(LeaseStateTest, LosesAtOnceWhenAReadShowsNoLease) {
  Lead();
  state_.ObserveRead(std::nullopt, kStart + seconds(5));

  EXPECT_FALSE(state_.Holds(kStart + seconds(5)));
}

TEST_F(LeaseStateTest, GoesOnWhenAReadShowsItsOwnRenewalWhoseAnswerWasLost) {
  Lead();
  state_.Failed(kStart + seconds(5));
  state_.ObserveRead(LeaseOf("me", "t5", "2"), kStart + seconds(5));

  EXPECT_EQ(state_.Next(kStart + seconds(5)), (LeasePlan{LeaseMove::kRenew, kStart + seconds(7)}));
  EXPECT_THAT(state_.HeldUntil(), Optional(kStart + seconds(10)));
}

TEST_F(LeaseStateTest, RenewsALeaseOfItsOwnThatRanOutAndWritesNothingBefore) {
  Lead();

  EXPECT_EQ(state_.Next(kStart + seconds(60)).move, LeaseMove::kRenew);
  EXPECT_FALSE(state_.Holds(kStart + seconds(60)));
}

TEST_F(LeaseStateTest, CountsATransitionWhenItTakesALease) {
  state_.ObserveWatch(LeaseOf("other", "t0"), kStart);

  const LeaseRecord record = state_.RecordFor(LeaseMove::kTake, kWall);

  EXPECT_EQ(
      record,
      (LeaseRecord{"me", 15, "2027-01-15T08:00:00.000000Z", "2027-01-15T08:00:00.000000Z", 4}));
}

TEST_F(LeaseStateTest, KeepsTransitionsAndAcquireTimeWhenItRenews) {
  Lead();

  EXPECT_EQ(state_.RecordFor(LeaseMove::kRenew, kWall),
            (LeaseRecord{"me", 15, "a", "2027-01-15T08:00:00.000000Z", 3}));
}

TEST_F(LeaseStateTest, NamesNobodyWhenItHandsTheLeaseBack) {
  Lead();

  EXPECT_THAT(state_.ReleaseRecord(kWall).holder, IsEmpty());
}

TEST(LeaseTimes, TheDefaultsAreSound) {
  EXPECT_THAT(LeaseTimesProblem({}), IsEmpty());
}

TEST(LeaseTimes, WantADurationThatIsLongerThanTheDeadline) {
  EXPECT_THAT(LeaseTimesProblem({.lease_duration = seconds(10), .renew_deadline = seconds(10)}),
              HasSubstr("leaseDuration must be longer than renewDeadline"));
}

TEST(LeaseTimes, WantRoomForASecondAttemptBeforeTheDeadline) {
  EXPECT_THAT(LeaseTimesProblem({.renew_period = seconds(8)}),
              HasSubstr("renewDeadline must be longer than renewPeriod and"));
}

TEST(LeaseTimes, WantARetryThatIsNotLongerThanThePeriod) {
  EXPECT_THAT(LeaseTimesProblem({.renew_period = seconds(1)}),
              HasSubstr("renewPeriod must be at least retryPeriod"));
}

TEST(LeaseTimes, WantARetryThatIsNoStorm) {
  EXPECT_THAT(LeaseTimesProblem({.retry_period = milliseconds(10)}),
              HasSubstr("retryPeriod must be at least 100ms"));
}

TEST(Lease, IsReadAsItWasWritten) {
  const LeaseRecord record{"me", 15, "a", "b", 7};

  EXPECT_EQ(ReadLease(WriteLease("name", record, "5")), record);
}

TEST(Lease, IsPatchedOnlyAsItWasSeen) {
  const boost::json::object body = WriteLease("name", {}, "5");

  EXPECT_EQ(body.at("metadata").as_object(),
            (boost::json::object{{"name", "name"}, {"resourceVersion", "5"}}));
}

TEST(Lease, WithoutASpecBelongsToNobody) {
  EXPECT_EQ(ReadLease({}), LeaseRecord{});
}

}  // namespace
}  // namespace connector::controller::election
