#pragma once

// What every CallerVerifier promises, as tests. A harness has: `clock` (ManualClock), `key` (the
// SigningKey that the issuer publishes as kTestKid) and `verifier()`, for kTestIssuer and
// kTestAudience, which takes kTestSubject for a ServiceAccount.

#include "broker/callers/caller_verifier.h"
#include "common/base/encoding.h"
#include "tests/contract/broker/callers/hostile_tokens.h"
#include "tests/contract/broker/callers/manual_clock.h"
#include "tests/contract/broker/callers/verify_now.h"
#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace connector::broker::callers {

template <typename Harness>
class CallerVerifierContract : public ::testing::Test {
 protected:
  Result<Caller> Verify(const std::string& token) { return VerifyNow(harness_.verifier(), token); }
  [[nodiscard]] testing_support::Payload Good() const {
    return testing_support::GoodPayload(harness_.clock.Seconds());
  }
  [[nodiscard]] std::string Sign(const testing_support::Payload& payload) const {
    return testing_support::Forge(harness_.key,
                                  "ES256",
                                  testing_support::Header("ES256", testing_support::kTestKid),
                                  payload.Json());
  }
  Harness harness_;
};

TYPED_TEST_SUITE_P(CallerVerifierContract);

TYPED_TEST_P(CallerVerifierContract, SaysWhoTheCallerIs) {
  const auto caller = this->Verify(this->Sign(this->Good().Set("team", "\"red\"")));

  ASSERT_TRUE(caller) << caller.error().message;
  EXPECT_EQ(caller->issuer, testing_support::kTestIssuer);
  EXPECT_EQ(caller->subject, testing_support::kTestSubject);
  EXPECT_EQ(caller->service_account, (ServiceAccount{"ci", "builder"}));
  EXPECT_EQ(caller->claims.find("team")->second, "red");
  EXPECT_EQ(caller->expires_at, this->harness_.clock.Now() + std::chrono::hours(1));
}

TYPED_TEST_P(CallerVerifierContract, RefusesEveryHostileToken) {
  using ::testing::HasSubstr;
  const auto& harness = this->harness_;
  for (const auto& row : testing_support::HostileTokens(harness.key, harness.clock.Seconds())) {
    EXPECT_THAT(this->Verify(row.token),
                testing_support::HasErrorMessage(ErrorCode::kUnauthenticated, HasSubstr("token")))
        << row.rule;
  }
}

TYPED_TEST_P(CallerVerifierContract, RefusesATokenOf100Kilobytes) {
  const auto token = this->Sign(this->Good().Set("x", '"' + std::string(75'000, 'x') + '"'));

  EXPECT_THAT(this->Verify(token), testing_support::HasError(ErrorCode::kUnauthenticated));
}

TYPED_TEST_P(CallerVerifierContract, RefusesATokenThatExpiredSinceItWasAccepted) {
  const auto now = this->harness_.clock.Seconds();
  const auto token = this->Sign(this->Good().Set("exp", std::to_string(now + 20)));
  ASSERT_TRUE(this->Verify(token));

  this->harness_.clock.Advance(std::chrono::seconds(20));

  EXPECT_THAT(this->Verify(token), testing_support::HasError(ErrorCode::kUnauthenticated));
}

TYPED_TEST_P(CallerVerifierContract, RefusesAForgeryOfATokenThatItJustAccepted) {
  const auto token = this->Sign(this->Good());
  ASSERT_TRUE(this->Verify(token));
  const auto payload = this->Good().Set("sub", "\"system:serviceaccount:ci:admin\"");

  const auto forged = Base64UrlEncode(testing_support::Header("ES256", testing_support::kTestKid)) +
                      "." + Base64UrlEncode(payload.Json()) + token.substr(token.rfind('.'));

  EXPECT_THAT(this->Verify(forged), testing_support::HasError(ErrorCode::kUnauthenticated));
  EXPECT_TRUE(this->Verify(token));
}

TYPED_TEST_P(CallerVerifierContract, RefusesASubjectThatOnlyLooksLikeAServiceAccount) {
  for (const char* subject : {"system:serviceaccount:ci",
                              "system:serviceaccount:ci:",
                              "system:serviceaccount::builder",
                              "system:serviceaccount:ci:builder:x",
                              "system:serviceaccount:CI:builder",
                              "system:serviceaccount:c.i:builder",
                              "system:serviceaccount:ci:-builder",
                              "system:serviceaccount:ci:a..b",
                              "system:serviceaccount:ci:a/b"}) {
    const auto token = this->Sign(this->Good().Set("sub", '"' + std::string(subject) + '"'));
    EXPECT_THAT(this->Verify(token), testing_support::HasError(ErrorCode::kUnauthenticated))
        << subject;
  }
}

TYPED_TEST_P(CallerVerifierContract, FindsItsAudienceInAList) {
  EXPECT_TRUE(this->Verify(this->Sign(this->Good().Set("aud", R"(["a","oci-connector"])"))));
}

TYPED_TEST_P(CallerVerifierContract, AllowsForAClockThatIsHalfAMinuteOff) {
  const auto late = std::to_string(this->harness_.clock.Seconds() + 30);

  EXPECT_TRUE(this->Verify(this->Sign(this->Good().Set("nbf", late).Set("iat", late))));
}

REGISTER_TYPED_TEST_SUITE_P(CallerVerifierContract,
                            SaysWhoTheCallerIs,
                            RefusesEveryHostileToken,
                            RefusesATokenOf100Kilobytes,
                            RefusesATokenThatExpiredSinceItWasAccepted,
                            RefusesAForgeryOfATokenThatItJustAccepted,
                            RefusesASubjectThatOnlyLooksLikeAServiceAccount,
                            FindsItsAudienceInAList,
                            AllowsForAClockThatIsHalfAMinuteOff);

}  // namespace connector::broker::callers
