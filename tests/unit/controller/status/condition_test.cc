#include "controller/status/condition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::controller::status {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;

constexpr WallTime kObservedAt{std::chrono::seconds{1'800'000'000}};
constexpr const char* kNowText = "2027-01-15T08:00:00Z";
constexpr const char* kBefore = "2026-01-01T00:00:00Z";

ConditionState True() {
  return {ConditionStatus::kTrue, "Good", "good"};
}

ConditionStates AllTrue() {
  return {True(), True(), True(), True(), True(), True()};
}

std::vector<Condition> AllTrueBefore() {
  std::vector<Condition> out;
  for (const std::string_view type : kTypes) {
    out.push_back({std::string(type), True(), 1, kBefore});
  }
  return out;
}

TEST(ReadyOf, IsTrueWhenAllAre) {
  EXPECT_EQ(ReadyOf(AllTrue()).status, ConditionStatus::kTrue);
}

TEST(ReadyOf, HasTheReasonOfTheFirstThatFails) {
  ConditionStates states = AllTrue();
  states[kLiveness] = {ConditionStatus::kFalse, "ConnectionFailed", "no"};
  states[kProxyService] = {ConditionStatus::kFalse, "ServiceNameTaken", "no"};

  EXPECT_EQ(ReadyOf(states), states[kLiveness]);
}

TEST(ReadyOf, PrefersAFailureToWhatIsNotKnown) {
  ConditionStates states = AllTrue();
  states[kSecret] = ConditionState{};
  states[kProxyService] = {ConditionStatus::kFalse, "ServiceNameTaken", "no"};

  EXPECT_EQ(ReadyOf(states), states[kProxyService]);
}

TEST(ReadyOf, IsUnknownWhileSomethingIsNotProbed) {
  ConditionStates states = AllTrue();
  states[kAuth] = ConditionState{};

  EXPECT_EQ(ReadyOf(states),
            (ConditionState{ConditionStatus::kUnknown, "NotProbed", "not probed yet"}));
}

TEST(Merge, PutsOursInTheirOrder) {
  const auto type = [](const char* name) { return Field(&Condition::type, name); };

  EXPECT_THAT(Merge({}, AllTrue(), 1, kObservedAt),
              ElementsAre(type("ClassReady"),
                          type("SecretReady"),
                          type("LivenessReady"),
                          type("AuthReady"),
                          type("ProxyServiceReady"),
                          type("Ready")));
}

TEST(Merge, KeepsTheTransitionTimeWhileTheStatusIsTheSame) {
  ConditionStates states = AllTrue();
  states[kReady].reason = "Better";

  const std::vector<Condition> merged = Merge(AllTrueBefore(), states, 2, kObservedAt);

  EXPECT_EQ(*Find(merged, "Ready"),
            (Condition{"Ready", {ConditionStatus::kTrue, "Better", "good"}, 2, kBefore}));
}

TEST(Merge, SetsTheTransitionTimeWhenTheStatusChanges) {
  ConditionStates states = AllTrue();
  states[kReady].status = ConditionStatus::kFalse;

  const std::vector<Condition> merged = Merge(AllTrueBefore(), states, 2, kObservedAt);

  EXPECT_EQ(Find(merged, "Ready")->last_transition_time, kNowText);
  EXPECT_EQ(Find(merged, "ClassReady")->last_transition_time, kBefore);
}

TEST(Merge, LeavesTheConditionsOfOthersAlone) {
  const Condition other{"Audited", True(), 1, kBefore};

  EXPECT_EQ(Merge({other}, AllTrue(), 2, kObservedAt).back(), other);
}

TEST(ReadConditions, ReadsWhatWasWritten) {
  const std::vector<Condition> conditions = Merge({}, AllTrue(), 1, kObservedAt);
  const boost::json::object connector{{"status", {{"conditions", ToJson(conditions)}}}};

  EXPECT_EQ(ReadConditions(connector), conditions);
}

TEST(ReadConditions, LeavesOutWhatIsNoCondition) {
  const boost::json::object connector{
      {"status", {{"conditions", {1, "x", boost::json::object{{"status", "True"}}}}}}};

  EXPECT_THAT(ReadConditions(connector), ElementsAre());
}

}  // namespace
}  // namespace connector::controller::status
