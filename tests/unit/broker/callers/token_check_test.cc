#include "broker/callers/token_check.h"

#include "tests/contract/broker/callers/hostile_tokens.h"
#include "tests/contract/broker/callers/verify_now.h"
#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::broker::callers {

namespace {

using ::testing::HasSubstr;
using testing_support::HasError;
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
                      {testing_support::kTestIssuer,
                       testing_support::kTestAudience,
                       subject,
                       ClusterRule::kOwnCluster},
                      Now());
  }
  Result<Caller> CheckAudience(const std::string& audience, bool require_connector = false) const {
    const auto payload = testing_support::GoodPayload(kNow).Set("aud", audience).Json();
    return CheckToken(
        testing_support::Forge(
            key_, "ES256", testing_support::Header("ES256", testing_support::kTestKid), payload),
        keys_,
        {.issuer = testing_support::kTestIssuer,
         .audience = testing_support::kTestAudience,
         .require_connector_audience = require_connector},
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

TEST_F(CheckTokenTest, KeepsAccountsOfOtherClustersApart) {
  const auto caller = CheckToken(WithSubject("system:serviceaccount:ci:builder"),
                                 keys_,
                                 {testing_support::kTestIssuer,
                                  testing_support::kTestAudience,
                                  SubjectRule::kAlwaysServiceAccount,
                                  ClusterRule::kOtherCluster},
                                 Now());

  ASSERT_TRUE(caller) << caller.error().message;
  EXPECT_EQ(caller->service_account, std::nullopt);
  EXPECT_EQ(caller->other_cluster_account, (ServiceAccount{"ci", "builder"}));
  EXPECT_EQ(caller->Name(), "https://issuer.example#system:serviceaccount:ci:builder");
}

TEST_F(CheckTokenTest, NarrowsATokenToTheConnectorsOfItsAudiences) {
  const ConnectorRef harbor{"team-a", "harbor"};
  const ConnectorRef other{"team-a", "hub"};
  const auto narrow = CheckAudience(R"("oci-connector/team-a/harbor")");
  const auto both = CheckAudience(R"(["oci-connector/team-a/harbor","oci-connector"])");

  ASSERT_TRUE(narrow) << narrow.error().message;
  EXPECT_TRUE(narrow->TokenIsFor(harbor));
  EXPECT_FALSE(narrow->TokenIsFor(other));
  EXPECT_FALSE(narrow->TokenIsFor({"team", "a/harbor"}));
  ASSERT_TRUE(both);
  EXPECT_TRUE(both->TokenIsFor(other));
  EXPECT_TRUE(both->TokenIsFor(harbor, true));
  EXPECT_FALSE(both->TokenIsFor(other, true));
}

TEST_F(CheckTokenTest, TakesNoOtherTextForAConnectorsAudience) {
  for (const char* audience : {R"("oci-connector/")",
                               R"("oci-connector/team-a")",
                               R"("oci-connector/team-a/")",
                               R"("oci-connector//harbor")",
                               R"("oci-connector/team-a/harbor/x")",
                               R"("oci-connectorx/team-a/harbor")",
                               R"("oci-connector.team-a/harbor")"}) {
    EXPECT_THAT(CheckAudience(audience), HasError(ErrorCode::kUnauthenticated)) << audience;
  }
}

TEST_F(CheckTokenTest, AcceptsNoCommonAudienceWhereAConnectorsIsRequired) {
  EXPECT_THAT(
      CheckAudience(R"("oci-connector")", true),
      HasErrorMessage(ErrorCode::kUnauthenticated, HasSubstr("oci-connector/NAMESPACE/NAME")));
  const auto both = CheckAudience(R"(["oci-connector","oci-connector/team-a/harbor"])", true);
  ASSERT_TRUE(both);
  EXPECT_TRUE(both->TokenIsFor({"team-a", "harbor"}));
  EXPECT_FALSE(both->TokenIsFor({"team-a", "hub"}));
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
