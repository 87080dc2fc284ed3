#include "controller/status/probe_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::controller::status {
namespace {

using std::chrono::seconds;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;

constexpr ProbeMemory::SteadyTime kNow{seconds(1000)};
const std::vector<ProbeStep> kGood{{"secret", true, "Ok", "s"},
                                   {"liveness", true, "Ok", "l"},
                                   {"auth", true, "Ok", "a"},
                                   {"read", true, "Ok", "r"}};
const std::vector<ProbeStep> kDead{{"secret", true, "Ok", "s"},
                                   {"liveness", false, "ConnectionFailed", "after 5001 ms"}};
const std::vector<ProbeStep> kRefused{{"secret", true, "Ok", "s"},
                                      {"liveness", true, "Ok", "l"},
                                      {"auth", false, "CredentialRefused", "no"}};

auto Truths(Truth secret, Truth liveness, Truth auth) {
  return ElementsAre(Field(&Verdict::truth, secret),
                     Field(&Verdict::truth, liveness),
                     Field(&Verdict::truth, auth));
}

TEST(VerdictsOf, AreTrueWhenAllStepsPass) {
  EXPECT_THAT(VerdictsOf(kGood, true),
              ElementsAre(Verdict{Truth::kTrue, "SecretFound", "s"},
                          Verdict{Truth::kTrue, "RegistryAnswers", "l"},
                          Verdict{Truth::kTrue, "Authenticated", "r"}));
}

TEST(VerdictsOf, SayThatASecretIsOptionalWhereNoneIsNamed) {
  EXPECT_EQ(VerdictsOf(kGood, false)[0].reason, "SecretOptional");
}

TEST(VerdictsOf, KeepAReasonThatAPassedStepGives) {
  EXPECT_EQ(VerdictsOf({{"secret", true, "SecretOptional", "s"}}, true)[0].reason,
            "SecretOptional");
}

TEST(VerdictsOf, AreNotCheckedAfterTheStepThatFailed) {
  EXPECT_THAT(VerdictsOf({{"secret", false, "SecretNotFound", "add it"}}, true),
              ElementsAre(Verdict{Truth::kFalse, "SecretNotFound", "add it"},
                          Field(&Verdict::reason, "NotChecked"),
                          Field(&Verdict::reason, "NotChecked")));
}

TEST(VerdictsOf, TakeTheStepsOfVaultForTheSecrets) {
  EXPECT_EQ(VerdictsOf({{"vault-login", true, "Ok", "in"},
                        {"vault-read", false, "SecretNotFound", "nothing there"}},
                       true)[0],
            (Verdict{Truth::kFalse, "SecretNotFound", "nothing there"}));
}

TEST(VerdictsOf, TakeAFailedReadForTheAuths) {
  std::vector<ProbeStep> steps = kGood;
  steps.back() = {"read", false, "AccessDenied", "no"};

  EXPECT_EQ(VerdictsOf(steps, true)[2], (Verdict{Truth::kFalse, "AccessDenied", "no"}));
}

class ProbeMemoryTest : public ::testing::Test {
 protected:
  ProbeMemory memory_;
  const ProbeRules rules_{3, seconds(120)};

  void Report(const std::vector<ProbeStep>& steps) { memory_.Report(steps, true, rules_); }
  void BrokerFails(ProbeMemory::SteadyTime at, const std::string& text = "gone") {
    memory_.BrokerFailed("BrokerUnavailable", text, at, rules_);
  }
};

TEST_F(ProbeMemoryTest, KnowsNothingBeforeTheFirstProbe) {
  EXPECT_THAT(memory_.verdicts(), Each(Field(&Verdict::reason, "NotProbed")));
}

TEST_F(ProbeMemoryTest, GoesOnFromWhatAnEarlierLeaderWrote) {
  const Condition written{"LivenessReady", {Truth::kTrue, "RegistryAnswers", "l"}, 1, "t"};

  EXPECT_EQ(ProbeMemory({written}).verdicts()[1], written.verdict);
}

TEST_F(ProbeMemoryTest, ShowsAFirstFailureAtOnce) {
  Report(kDead);

  EXPECT_THAT(memory_.verdicts(), Truths(Truth::kTrue, Truth::kFalse, Truth::kUnknown));
}

TEST_F(ProbeMemoryTest, KeepsAConditionTrueUntilTheThirdPassingFailureInARow) {
  Report(kGood);
  Report(kDead);
  Report(kDead);
  EXPECT_THAT(memory_.verdicts(), Truths(Truth::kTrue, Truth::kTrue, Truth::kTrue));

  Report(kDead);
  EXPECT_THAT(memory_.verdicts(), Truths(Truth::kTrue, Truth::kFalse, Truth::kUnknown));
}

TEST_F(ProbeMemoryTest, CountsPassingFailuresAnewAfterASuccess) {
  Report(kGood);
  Report(kDead);
  Report(kDead);
  Report(kGood);
  Report(kDead);
  Report(kDead);

  EXPECT_THAT(memory_.verdicts(), Truths(Truth::kTrue, Truth::kTrue, Truth::kTrue));
}

TEST_F(ProbeMemoryTest, IsTrueAgainAfterOneSuccess) {
  Report(kDead);
  Report(kGood);

  EXPECT_THAT(memory_.verdicts(), Truths(Truth::kTrue, Truth::kTrue, Truth::kTrue));
}

TEST_F(ProbeMemoryTest, ShowsARefusedCredentialAtOnce) {
  Report(kGood);
  Report(kRefused);

  EXPECT_THAT(memory_.verdicts(), Truths(Truth::kTrue, Truth::kTrue, Truth::kFalse));
}

TEST_F(ProbeMemoryTest, ProtectsNothingAfterAChangeOfTheSpec) {
  Report(kGood);
  memory_.Renew();
  Report(kDead);

  EXPECT_THAT(memory_.verdicts(), Truths(Truth::kTrue, Truth::kFalse, Truth::kUnknown));
}

TEST_F(ProbeMemoryTest, KeepsTheFirstTextOfAFailureThatGoesOn) {
  Report(kDead);
  Report({kDead[0], {"liveness", false, "ConnectionFailed", "after 5002 ms"}});

  EXPECT_EQ(memory_.verdicts()[1].message, "after 5001 ms");
}

TEST_F(ProbeMemoryTest, SaysNothingOfAConnectorWhileTheBrokerIsAwayForAShortTime) {
  Report(kGood);
  BrokerFails(kNow);
  BrokerFails(kNow + seconds(119));

  EXPECT_THAT(memory_.verdicts(), Truths(Truth::kTrue, Truth::kTrue, Truth::kTrue));
}

TEST_F(ProbeMemoryTest, KnowsNothingOnceTheBrokerIsAwayForTheGrace) {
  Report(kGood);
  BrokerFails(kNow);
  BrokerFails(kNow + seconds(120));

  EXPECT_THAT(memory_.verdicts(), Each(Verdict{Truth::kUnknown, "BrokerUnavailable", "gone"}));
}

TEST_F(ProbeMemoryTest, CountsTheGraceAnewAfterAnAnswer) {
  Report(kGood);
  BrokerFails(kNow);
  Report(kGood);
  BrokerFails(kNow + seconds(121));

  EXPECT_THAT(memory_.verdicts(), Truths(Truth::kTrue, Truth::kTrue, Truth::kTrue));
}

TEST_F(ProbeMemoryTest, KeepsTheFirstTextWhileTheBrokerIsAway) {
  BrokerFails(kNow, "first");
  BrokerFails(kNow + seconds(120), "second");
  BrokerFails(kNow + seconds(240), "third");

  EXPECT_EQ(memory_.verdicts()[0].message, "second");
}

TEST_F(ProbeMemoryTest, CountsFailuresInARow) {
  Report(kDead);
  BrokerFails(kNow);
  EXPECT_EQ(memory_.failures(), 2);

  Report(kGood);
  EXPECT_EQ(memory_.failures(), 0);
}

}  // namespace
}  // namespace connector::controller::status
