#include "broker/callers/token_check.h"

#include "tests/contract/broker/callers/hostile_tokens.h"
#include "tests/contract/broker/callers/verify_now.h"
#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::broker::callers {

namespace {

using ::testing::HasSubstr;
using testing_support::HasErrorMessage;
using testing_support::SigningKey;

constexpr std::int64_t kNow = 1'800'000'000;

WallTime Now() {
  return WallTime{std::chrono::seconds{kNow}};
}

class CheckTokenTest : public ::testing::Test {
 protected:
  Result<Caller> Check(const std::string& token, SubjectRule subject) const {
    return CheckToken(token,
                      keys_,
                      {testing_support::kTestIssuer, testing_support::kTestAudience, subject},
                      Now());
  }
  [[nodiscard]] std::string WithSubject(const std::string& subject) const {
    return testing_support::Forge(
        key_,
        "ES256",
        testing_support::Header("ES256", testing_support::kTestKid),
        testing_support::GoodPayload(kNow).Set("sub", '"' + subject + '"').Json());
  }

  SigningKey key_ = SigningKey::Ec();
  jose::JwkSet keys_ =
      *jose::ParseJwkSet(testing_support::Jwks({key_.PublicJwk(testing_support::kTestKid)}));
};

TEST_F(CheckTokenTest, SaysWhichRuleAHostileTokenBroke) {
  for (const auto& row : testing_support::HostileTokens(key_, kNow)) {
    const bool unknown = row.reason.find("unknown key") != std::string::npos;
    EXPECT_THAT(Check(row.token, SubjectRule::kMaybeServiceAccount),
                HasErrorMessage(unknown ? ErrorCode::kNotFound : ErrorCode::kUnauthenticated,
                                HasSubstr(row.reason)))
        << row.rule;
  }
}

TEST_F(CheckTokenTest, SaysNothingOfTheTokenItself) {
  for (const auto& row : testing_support::HostileTokens(key_, kNow)) {
    const auto refused = Check(row.token, SubjectRule::kMaybeServiceAccount);
    ASSERT_FALSE(refused) << row.rule;
    for (const char* content : {"builder", "evil", "other.example", "ES256", "key-1", "eyJ"}) {
      EXPECT_EQ(refused.error().message.find(content), std::string::npos) << row.rule;
    }
  }
}

TEST_F(CheckTokenTest, NamesAServiceAccountOnlyWhereTheIssuerIsTrustedTo) {
  const std::string account = WithSubject("system:serviceaccount:ci:builder");
  const ServiceAccount builder{"ci", "builder"};

  EXPECT_EQ(Check(account, SubjectRule::kNeverServiceAccount)->service_account, std::nullopt);
  EXPECT_EQ(Check(account, SubjectRule::kMaybeServiceAccount)->service_account, builder);
  EXPECT_EQ(Check(account, SubjectRule::kAlwaysServiceAccount)->service_account, builder);
}

TEST_F(CheckTokenTest, TakesOtherSubjectsExceptFromACluster) {
  const std::string person = WithSubject("jo@example.com");

  EXPECT_EQ(Check(person, SubjectRule::kNeverServiceAccount)->Name(),
            "https://issuer.example#jo@example.com");
  EXPECT_EQ(Check(person, SubjectRule::kMaybeServiceAccount)->service_account, std::nullopt);
  EXPECT_THAT(Check(person, SubjectRule::kAlwaysServiceAccount),
              HasErrorMessage(ErrorCode::kUnauthenticated, HasSubstr("ServiceAccount")));
}

TEST_F(CheckTokenTest, RefusesAServiceAccountWithAnImpossibleName) {
  EXPECT_TRUE(Check(WithSubject("system:serviceaccount:" + std::string(63, 'n') + ":a.b-c"),
                    SubjectRule::kMaybeServiceAccount));
  for (const std::string& subject : {"system:serviceaccount:" + std::string(64, 'n') + ":a",
                                     "system:serviceaccount:n:" + std::string(254, 'a'),
                                     std::string("system:serviceaccount:n:a:b")}) {
    EXPECT_THAT(Check(WithSubject(subject), SubjectRule::kMaybeServiceAccount),
                HasErrorMessage(ErrorCode::kUnauthenticated, HasSubstr("ServiceAccount")))
        << subject;
  }
}

}  // namespace
}  // namespace connector::broker::callers
