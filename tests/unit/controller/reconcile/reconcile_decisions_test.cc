#include "controller/reconcile/reconcile_decisions.h"

#include "controller/writer/writer.h"
#include "tests/support/cpp/run_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::controller {
namespace {

namespace json = boost::json;
using probe::ProbeSchedule;
using status::Condition;
using status::ConditionState;
using status::ConditionStates;
using status::ConditionStatus;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const service::Owner kOwner{{"team-a", "harbor"}, "uid-1"};
const ConditionState kGood{ConditionStatus::kTrue, "Fine", "m"};
constexpr std::int64_t kGeneration = 4;

Error ErrorOf(ErrorCode code) {
  return MakeError(code, ErrorOrigin::kUpstream, "said so");
}

// Conditions of a status in which every one is True, of kGeneration.
std::vector<Condition> AllGood() {
  std::vector<Condition> out;
  for (const std::string_view type : status::kTypes) {
    out.push_back({std::string(type), kGood, kGeneration, "2026-11-30T00:00:00Z"});
  }
  return out;
}

constexpr ProbeInputs kNothingChanged{.was_sound = true, .is_sound = true};
constexpr ProbeInputs kFirstRun{.first_run = true, .spec_changed = true, .is_sound = true};

TEST(DecideProbe, LeavesTheScheduleWhenNothingChanged) {
  EXPECT_EQ(DecideProbe(kNothingChanged, AllGood(), kGeneration), std::nullopt);
}

TEST(DecideProbe, EndsForASpecThatNoBrokerCanUse) {
  ProbeInputs inputs = kFirstRun;
  inputs.is_sound = false;

  EXPECT_EQ(DecideProbe(inputs, AllGood(), kGeneration), ProbeSchedule::kNever);
}

TEST(DecideProbe, IsImmediateWhenTheSpecChanged) {
  ProbeInputs inputs = kNothingChanged;
  inputs.spec_changed = true;

  EXPECT_EQ(DecideProbe(inputs, AllGood(), kGeneration), ProbeSchedule::kImmediately);
}

TEST(DecideProbe, IsImmediateWhenTheSpecBecameUsableByItself) {
  ProbeInputs inputs = kNothingChanged;
  inputs.was_sound = false;  // Its class was created meanwhile.

  EXPECT_EQ(DecideProbe(inputs, AllGood(), kGeneration), ProbeSchedule::kImmediately);
}

TEST(DecideProbe, WaitsForThePeriodWhenAnEarlierLeaderFoundAllGood) {
  EXPECT_EQ(DecideProbe(kFirstRun, AllGood(), kGeneration), ProbeSchedule::kPeriodically);
}

TEST(DecideProbe, IsImmediateWhenAnEarlierLeaderFoundAFailure) {
  std::vector<Condition> conditions = AllGood();
  conditions[status::kAuth].state.status = ConditionStatus::kFalse;

  EXPECT_EQ(DecideProbe(kFirstRun, conditions, kGeneration), ProbeSchedule::kImmediately);
}

TEST(DecideProbe, IsImmediateWhenAnEarlierLeaderSawAnotherGeneration) {
  std::vector<Condition> conditions = AllGood();
  conditions[status::kSecret].observed_generation = kGeneration - 1;

  EXPECT_EQ(DecideProbe(kFirstRun, conditions, kGeneration), ProbeSchedule::kImmediately);
}

TEST(DecideProbe, IsImmediateWhenAConditionWasNeverWritten) {
  std::vector<Condition> conditions = AllGood();
  conditions.erase(conditions.begin() + status::kLiveness);

  EXPECT_EQ(DecideProbe(kFirstRun, conditions, kGeneration), ProbeSchedule::kImmediately);
}

TEST(DecideProbe, DoesNotAskWhetherTheServiceWasReady) {
  std::vector<Condition> conditions = AllGood();
  conditions[status::kProxyService].state.status = ConditionStatus::kFalse;

  EXPECT_EQ(DecideProbe(kFirstRun, conditions, kGeneration), ProbeSchedule::kPeriodically);
}

TEST(BrokerFailureReason, TellsTheThreeCausesApart) {
  EXPECT_EQ(BrokerFailureReason(ErrorOf(ErrorCode::kNotFound)), "UnknownToBroker");
  EXPECT_EQ(BrokerFailureReason(ErrorOf(ErrorCode::kPermissionDenied)), "BrokerRefused");
  EXPECT_EQ(BrokerFailureReason(ErrorOf(ErrorCode::kDeadlineExceeded)), "BrokerUnavailable");
}

TEST(JoinConditions, PutsEachFindingInItsPlaceAndReadyLast) {
  const auto state = [](std::string reason) {
    return ConditionState{ConditionStatus::kTrue, std::move(reason), "m"};
  };
  status::SpecCheck spec_check;
  spec_check.class_ready = state("class");

  const ConditionStates states =
      JoinConditions(spec_check, {state("secret"), state("liveness"), state("auth")}, state("svc"));

  const auto reason = [](std::string text) {
    return testing::Field(&ConditionState::reason, text);
  };
  EXPECT_THAT(states,
              ElementsAre(reason("class"),
                          reason("secret"),
                          reason("liveness"),
                          reason("auth"),
                          reason("svc"),
                          reason("Ready")));
}

TEST(JoinConditions, AreNotReadyWhileTheServiceIsNot) {
  status::SpecCheck spec_check;
  spec_check.class_ready = kGood;
  const ConditionState taken{ConditionStatus::kFalse, "ServiceNameTaken", "m"};

  EXPECT_EQ(JoinConditions(spec_check, {kGood, kGood, kGood}, taken)[status::kReady], taken);
}

TEST(NeedsRetry, OnlyForWhatNoWatchTells) {
  EXPECT_TRUE(NeedsRetry({ConditionStatus::kFalse, "ServiceNameTaken", "m"}));
  EXPECT_TRUE(NeedsRetry({ConditionStatus::kFalse, "ServiceRefused", "m"}));
  EXPECT_FALSE(NeedsRetry({ConditionStatus::kFalse, "NoEndpoints", "m"}));
  EXPECT_FALSE(NeedsRetry({ConditionStatus::kTrue, "ServiceCreated", "m"}));
}

TEST(IsWorthAWarning, NotForAFewConflicts) {
  EXPECT_FALSE(IsWorthAWarning(ErrorOf(ErrorCode::kConflict), 5));
  EXPECT_TRUE(IsWorthAWarning(ErrorOf(ErrorCode::kConflict), 6));
  EXPECT_TRUE(IsWorthAWarning(ErrorOf(ErrorCode::kUnavailable), 1));
}

class DecideServiceTest : public testing::Test {
 protected:
  [[nodiscard]] ServiceDecision Decide() const {
    return DecideService(observed_, kOwner, settings_);
  }

  static service::ProxyServiceSettings ByName() {
    service::ProxyServiceSettings settings;
    settings.dataplane_ns = "oci-connector";
    settings.dataplane_name = "dataplane";
    return settings;
  }

  const service::ProxyServiceSettings settings_ = ByName();
  json::object observed_ = service::BuildService(kOwner, settings_);
};

TEST_F(DecideServiceTest, KeepsWhatIsAsItShouldBe) {
  EXPECT_EQ(Decide().action, ServiceAction::kKeep);
}

TEST_F(DecideServiceTest, PatchesOursThatDiffers) {
  observed_["spec"].as_object()["externalName"] = "elsewhere";

  const ServiceDecision decision = Decide();

  EXPECT_EQ(decision.action, ServiceAction::kPatch);
  EXPECT_TRUE(decision.patch.has_value());
}

TEST_F(DecideServiceTest, WaitsForOursThatIsBeingDeletedAndPatchesNothing) {
  observed_["spec"].as_object()["externalName"] = "elsewhere";
  observed_["metadata"].as_object()["deletionTimestamp"] = "2026-11-30T00:00:00Z";

  const ServiceDecision decision = Decide();

  EXPECT_EQ(decision.action, ServiceAction::kWait);
  EXPECT_FALSE(decision.patch.has_value());
}

TEST_F(DecideServiceTest, LeavesAForeignOneEvenWhenItDiffersOrIsBeingDeleted) {
  observed_["spec"].as_object()["externalName"] = "elsewhere";
  observed_["metadata"].as_object().erase("ownerReferences");
  observed_["metadata"].as_object()["deletionTimestamp"] = "2026-11-30T00:00:00Z";

  const ServiceDecision decision = Decide();

  EXPECT_EQ(decision.action, ServiceAction::kForeign);
  EXPECT_THAT(decision.problem, HasSubstr("c-harbor"));
  EXPECT_FALSE(decision.patch.has_value());
}

TEST(StateOfRefusal, IsWhatTheApiWillNotHave) {
  for (const ErrorCode code :
       {ErrorCode::kPermissionDenied, ErrorCode::kInvalidArgument, ErrorCode::kUnauthenticated}) {
    EXPECT_EQ(StateOfRefusal(ErrorOf(code)),
              (ConditionState{ConditionStatus::kFalse, "ServiceRefused", "said so"}));
  }
}

TEST(StateOfRefusal, IsNoneForWhatAnotherAttemptMayNotMeet) {
  for (const ErrorCode code : {ErrorCode::kConflict,
                               ErrorCode::kUnavailable,
                               ErrorCode::kDeadlineExceeded,
                               ErrorCode::kNotFound}) {
    EXPECT_EQ(StateOfRefusal(ErrorOf(code)), std::nullopt);
  }
}

TEST(StateOfRefusal, IsNoneWhenThisReplicaDoesNotLead) {
  Writer writer({nullptr, [] { return std::optional<Deadline>{}; }, [](const WriteReport&) {}});
  const Result<Done> deleted =
      testing_support::RunTask(writer.Delete(kube::kServices, {"team-a", "c-harbor"}, "uid"));

  ASSERT_FALSE(deleted);
  EXPECT_EQ(StateOfRefusal(deleted.error()), std::nullopt);
}

// StatesToRecord, from a status in which all is well.
class StatesToRecordTest : public testing::Test {
 protected:
  [[nodiscard]] std::vector<ConditionState> Recorded() const {
    return StatesToRecord(AllGood(), after_);
  }

  ConditionStates after_{kGood, kGood, kGood, kGood, kGood, kGood};
};

TEST_F(StatesToRecordTest, IsNothingWhenNothingChanged) {
  EXPECT_THAT(Recorded(), IsEmpty());
}

TEST_F(StatesToRecordTest, IsNothingWhenOnlyTheMessageChanged) {
  after_[status::kReady].message = "another";

  EXPECT_THAT(Recorded(), IsEmpty());
}

TEST_F(StatesToRecordTest, IsReadyWhenItsReasonChanged) {
  after_[status::kReady].reason = "Another";

  EXPECT_THAT(Recorded(), ElementsAre(after_[status::kReady]));
}

TEST_F(StatesToRecordTest, IsNothingBeforeTheFirstProbe) {
  after_[status::kReady] = ConditionState{};

  EXPECT_THAT(Recorded(), IsEmpty());
}

TEST_F(StatesToRecordTest, IsATakenNameBesideReadyThatFailsForAnotherReason) {
  after_[status::kReady] = {ConditionStatus::kFalse, "SecretNotFound", "m"};
  after_[status::kProxyService] = {ConditionStatus::kFalse, "ServiceNameTaken", "m"};

  EXPECT_THAT(Recorded(), ElementsAre(after_[status::kReady], after_[status::kProxyService]));
}

TEST_F(StatesToRecordTest, IsATakenNameOnceWhenReadySaysItToo) {
  after_[status::kReady] = {ConditionStatus::kFalse, "ServiceNameTaken", "m"};
  after_[status::kProxyService] = {ConditionStatus::kFalse, "ServiceNameTaken", "m"};

  EXPECT_THAT(Recorded(), ElementsAre(after_[status::kReady]));
}

TEST_F(StatesToRecordTest, LeavesOtherTroubleOfTheServiceToReady) {
  after_[status::kProxyService] = {ConditionStatus::kFalse, "NoEndpoints", "m"};

  EXPECT_THAT(Recorded(), IsEmpty());
}

}  // namespace
}  // namespace connector::controller
