#include "controller/status/probe_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::controller::status {
namespace {

using std::chrono::seconds;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;

constexpr ProbeMemory::SteadyTime kStart{seconds(1000)};
const std::vector<ProbeStepResult> kGood{{"secret", true, "Ok", "s"},
                                         {"liveness", true, "Ok", "l"},
                                         {"auth", true, "Ok", "a"},
                                         {"read", true, "Ok", "r"}};
const std::vector<ProbeStepResult> kDead{{"secret", true, "Ok", "s"},
                                         {"liveness", false, "ConnectionFailed", "after 5001 ms"}};
const std::vector<ProbeStepResult> kRefused{{"secret", true, "Ok", "s"},
                                            {"liveness", true, "Ok", "l"},
                                            {"auth", false, "CredentialRefused", "no"}};

auto Statuses(ConditionStatus secret, ConditionStatus liveness, ConditionStatus auth) {
  return ElementsAre(Field(&ConditionState::status, secret),
                     Field(&ConditionState::status, liveness),
                     Field(&ConditionState::status, auth));
}

TEST(ConditionStatesOf, AreTrueWhenAllStepsPass) {
  EXPECT_THAT(ConditionStatesOf(kGood, true),
              ElementsAre(ConditionState{ConditionStatus::kTrue, "SecretFound", "s"},
                          ConditionState{ConditionStatus::kTrue, "RegistryAnswers", "l"},
                          ConditionState{ConditionStatus::kTrue, "Authenticated", "r"}));
}

TEST(ConditionStatesOf, SayThatASecretIsOptionalWhereNoneIsNamed) {
  EXPECT_EQ(ConditionStatesOf(kGood, false)[0].reason, "SecretOptional");
}

TEST(ConditionStatesOf, KeepAReasonThatAPassedStepGives) {
  EXPECT_EQ(ConditionStatesOf({{"secret", true, "SecretOptional", "s"}}, true)[0].reason,
            "SecretOptional");
}

TEST(ConditionStatesOf, AreNotCheckedAfterTheStepThatFailed) {
  EXPECT_THAT(ConditionStatesOf({{"secret", false, "SecretNotFound", "add it"}}, true),
              ElementsAre(ConditionState{ConditionStatus::kFalse, "SecretNotFound", "add it"},
                          Field(&ConditionState::reason, "NotChecked"),
                          Field(&ConditionState::reason, "NotChecked")));
}

TEST(ConditionStatesOf, TakeTheStepsOfVaultForTheSecrets) {
  EXPECT_EQ(ConditionStatesOf({{"vault-login", true, "Ok", "in"},
                               {"vault-read", false, "SecretNotFound", "nothing there"}},
                              true)[0],
            (ConditionState{ConditionStatus::kFalse, "SecretNotFound", "nothing there"}));
}

TEST(ConditionStatesOf, TakeAFailedReadForTheAuths) {
  std::vector<ProbeStepResult> steps = kGood;
  steps.back() = {"read", false, "AccessDenied", "no"};

  EXPECT_EQ(ConditionStatesOf(steps, true)[2],
            (ConditionState{ConditionStatus::kFalse, "AccessDenied", "no"}));
}

class ProbeMemoryTest : public ::testing::Test {
 protected:
  ProbeMemory memory_;
  const ProbeRules rules_{3, seconds(120)};

  void Report(const std::vector<ProbeStepResult>& steps) { memory_.Report(steps, true, rules_); }
  void BrokerFails(ProbeMemory::SteadyTime at, const std::string& text = "gone") {
    memory_.BrokerFailed("BrokerUnavailable", text, at, rules_);
  }
};

TEST_F(ProbeMemoryTest, KnowsNothingBeforeTheFirstProbe) {
  EXPECT_THAT(memory_.states(), Each(Field(&ConditionState::reason, "NotProbed")));
}

TEST_F(ProbeMemoryTest, GoesOnFromWhatAnEarlierLeaderWrote) {
  const Condition written{
      "LivenessReady", {ConditionStatus::kTrue, "RegistryAnswers", "l"}, 1, "t"};

  EXPECT_EQ(ProbeMemory({written}).states()[1], written.state);
}

TEST_F(ProbeMemoryTest, ShowsAFirstFailureAtOnce) {
  Report(kDead);

  EXPECT_THAT(memory_.states(),
              Statuses(ConditionStatus::kTrue, ConditionStatus::kFalse, ConditionStatus::kUnknown));
}

TEST_F(ProbeMemoryTest, KeepsAConditionTrueUntilTheThirdPassingFailureInARow) {
  Report(kGood);
  Report(kDead);
  Report(kDead);
  EXPECT_THAT(memory_.states(),
              Statuses(ConditionStatus::kTrue, ConditionStatus::kTrue, ConditionStatus::kTrue));

  Report(kDead);
  EXPECT_THAT(memory_.states(),
              Statuses(ConditionStatus::kTrue, ConditionStatus::kFalse, ConditionStatus::kUnknown));
}

TEST_F(ProbeMemoryTest, CountsPassingFailuresAnewAfterASuccess) {
  Report(kGood);
  Report(kDead);
  Report(kDead);
  Report(kGood);
  Report(kDead);
  Report(kDead);

  EXPECT_THAT(memory_.states(),
              Statuses(ConditionStatus::kTrue, ConditionStatus::kTrue, ConditionStatus::kTrue));
}

TEST_F(ProbeMemoryTest, IsTrueAgainAfterOneSuccess) {
  Report(kDead);
  Report(kGood);

  EXPECT_THAT(memory_.states(),
              Statuses(ConditionStatus::kTrue, ConditionStatus::kTrue, ConditionStatus::kTrue));
}

TEST_F(ProbeMemoryTest, ShowsARefusedCredentialAtOnce) {
  Report(kGood);
  Report(kRefused);

  EXPECT_THAT(memory_.states(),
              Statuses(ConditionStatus::kTrue, ConditionStatus::kTrue, ConditionStatus::kFalse));
}

TEST_F(ProbeMemoryTest, ProtectsNothingAfterAChangeOfTheSpec) {
  Report(kGood);
  memory_.Renew();
  Report(kDead);

  EXPECT_THAT(memory_.states(),
              Statuses(ConditionStatus::kTrue, ConditionStatus::kFalse, ConditionStatus::kUnknown));
}

TEST_F(ProbeMemoryTest, KeepsTheFirstTextOfAFailureThatGoesOn) {
  Report(kDead);
  Report({kDead[0], {"liveness", false, "ConnectionFailed", "after 5002 ms"}});

  EXPECT_EQ(memory_.states()[1].message, "after 5001 ms");
}

TEST_F(ProbeMemoryTest, SaysNothingOfAConnectorWhileTheBrokerIsAwayForAShortTime) {
  Report(kGood);
  BrokerFails(kStart);
  BrokerFails(kStart + seconds(119));

  EXPECT_THAT(memory_.states(),
              Statuses(ConditionStatus::kTrue, ConditionStatus::kTrue, ConditionStatus::kTrue));
}

TEST_F(ProbeMemoryTest, KnowsNothingOnceTheBrokerIsAwayForTheGrace) {
  Report(kGood);
  BrokerFails(kStart);
  BrokerFails(kStart + seconds(120));

  EXPECT_THAT(memory_.states(),
              Each(ConditionState{ConditionStatus::kUnknown, "BrokerUnavailable", "gone"}));
}

TEST_F(ProbeMemoryTest, CountsTheGraceAnewAfterAnAnswer) {
  Report(kGood);
  BrokerFails(kStart);
  Report(kGood);
  BrokerFails(kStart + seconds(121));

  EXPECT_THAT(memory_.states(),
              Statuses(ConditionStatus::kTrue, ConditionStatus::kTrue, ConditionStatus::kTrue));
}

TEST_F(ProbeMemoryTest, KeepsTheFirstTextWhileTheBrokerIsAway) {
  BrokerFails(kStart, "first");
  BrokerFails(kStart + seconds(120), "second");
  BrokerFails(kStart + seconds(240), "third");

  EXPECT_EQ(memory_.states()[0].message, "second");
}

TEST_F(ProbeMemoryTest, CountsFailuresInARow) {
  Report(kDead);
  BrokerFails(kStart);
  EXPECT_EQ(memory_.failures(), 2);

  Report(kGood);
  EXPECT_EQ(memory_.failures(), 0);
}

}  // namespace
}  // namespace connector::controller::status
