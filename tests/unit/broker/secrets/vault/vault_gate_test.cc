#include "broker/secrets/vault/vault_gate.h"

#include <gtest/gtest.h>

namespace connector::broker::secrets {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const VaultTime kNow = VaultTime() + std::chrono::hours(1000);

Error Down(seconds retry_after = seconds(0)) {
  Error error = MakeError(ErrorCode::kUnavailable, ErrorOrigin::kUpstream, "Vault is down");
  error.retry_after = retry_after;
  return error;
}

TEST(VaultGate, LetsEverybodyThroughWhileAllIsWell) {
  VaultGate gate;

  EXPECT_FALSE(gate.Admit(kNow).has_value());
  EXPECT_FALSE(gate.Admit(kNow).has_value());
}

TEST(VaultGate, ClosesAfterAFailureAndSaysWhyAndUntilWhen) {
  VaultGate gate;
  gate.Failed(Down(), kNow, 1.0);

  const auto held = gate.Admit(kNow);

  ASSERT_TRUE(held.has_value());
  EXPECT_EQ(held->error.message, "Vault is down");
  EXPECT_EQ(held->until, kNow + kFirstBackoff);
  EXPECT_EQ(held->error.retry_after, seconds(1));
}

TEST(VaultGate, LetsOneProbeThroughAndKeepsTheOthersOutUntilItIsBack) {
  VaultGate gate;
  gate.Failed(Down(), kNow, 1.0);
  const VaultTime later = kNow + kFirstBackoff;

  EXPECT_FALSE(gate.Admit(later).has_value()) << "the probe";
  EXPECT_TRUE(gate.Admit(later).has_value());
  gate.Answered();
  EXPECT_FALSE(gate.Admit(later).has_value());
  EXPECT_FALSE(gate.Admit(later).has_value());
}

TEST(VaultGate, ForgetsAProbeThatNeverCameBack) {
  VaultGate gate;
  gate.Failed(Down(), kNow, 1.0);
  ASSERT_FALSE(gate.Admit(kNow + kFirstBackoff).has_value());

  EXPECT_TRUE(gate.Admit(kNow + kFirstBackoff + kLongestProbe - milliseconds(1)).has_value());
  EXPECT_FALSE(gate.Admit(kNow + kFirstBackoff + kLongestProbe).has_value());
}

TEST(VaultGate, TellsWhoWaitsToComeLaterWhileAProbeIsOut) {
  VaultGate gate;
  gate.Failed(Down(), kNow, 1.0);
  const VaultTime open = kNow + kFirstBackoff;
  EXPECT_EQ(gate.NextTry(kNow), open);

  ASSERT_FALSE(gate.Admit(open).has_value());

  EXPECT_EQ(gate.NextTry(open), open + kProbePause);
}

TEST(VaultGate, AdmitsAnotherWhenTheProbeLeftWithoutAnAnswer) {
  VaultGate gate;
  gate.Failed(Down(), kNow, 1.0);
  ASSERT_FALSE(gate.Admit(kNow + kFirstBackoff).has_value());

  gate.Left();

  EXPECT_FALSE(gate.Admit(kNow + kFirstBackoff).has_value());
}

TEST(VaultGate, DoublesTheWaitWithEachFailedProbeUpToItsCap) {
  VaultGate gate;
  VaultTime now = kNow;
  std::vector<std::int64_t> waits;
  for (int i = 0; i < 7; ++i) {
    ASSERT_FALSE(gate.Admit(now).has_value());
    gate.Failed(Down(), now, 1.0);
    waits.push_back(std::chrono::duration_cast<milliseconds>(gate.until() - now).count());
    now = gate.until();
  }

  EXPECT_EQ(waits, (std::vector<std::int64_t>{250, 500, 1000, 2000, 4000, 5000, 5000}));
}

TEST(VaultGate, WaitsARandomPartOfThat) {
  VaultGate gate;
  gate.Failed(Down(), kNow, 0.5);

  EXPECT_EQ(gate.until(), kNow + kFirstBackoff / 2);
}

TEST(VaultGate, WaitsWhatRetryAfterSaysInstead) {
  VaultGate gate;
  gate.Failed(Down(seconds(7)), kNow, 0.0);
  EXPECT_EQ(gate.until(), kNow + seconds(7));

  VaultGate absurd;
  absurd.Failed(Down(seconds(3000)), kNow, 0.0);
  EXPECT_EQ(absurd.until(), kNow + kLongestRetryAfter);
}

TEST(VaultGate, IsNotClosedLongerByRequestsThatWereUnderWayAlready) {
  VaultGate gate;
  gate.Failed(Down(), kNow, 1.0);
  gate.Failed(Down(), kNow + milliseconds(5), 1.0);
  gate.Failed(Down(), kNow + milliseconds(9), 1.0);

  EXPECT_EQ(gate.until(), kNow + kFirstBackoff);
}

}  // namespace
}  // namespace connector::broker::secrets
