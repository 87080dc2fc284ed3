#include "common/jose/claims.h"
#include "common/jose/jws.h"
#include "tests/unit/cli/console_fixture.h"

#include <gmock/gmock.h>

namespace connector::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class TokenMint : public InDirectory {
 protected:
  // The claims of the token that `flags` make, if its signature holds.
  [[nodiscard]] jose::Claims Claims(std::vector<std::string_view> flags) const {
    flags.insert(flags.begin(), {"token", "mint", "--key", key_});
    Outcome outcome = Connectorctl(flags);
    EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
    EXPECT_EQ(outcome.out.find('\n'), outcome.out.size() - 1) << "only the token is printed";
    outcome.out.pop_back();
    const Result<jose::JwkSet> keys = jose::ParseJwkSet(issuer_.public_jwks);
    const Result<std::string> payload = jose::VerifyCompact(outcome.out, *keys);
    EXPECT_TRUE(payload.has_value());
    return *jose::ParseClaims(*payload);
  }

  [[nodiscard]] std::string Refusal(std::vector<std::string_view> flags) const {
    flags.insert(flags.begin(), {"token", "mint", "--key", key_});
    const Outcome outcome = Connectorctl(flags);
    EXPECT_EQ(outcome.code, kExitUsage);
    EXPECT_THAT(outcome.out, IsEmpty());
    return outcome.err;
  }

  jose::EcKey issuer_ = *jose::MakeEcKey();
  std::string key_ = Write("issuer.jwk.json", issuer_.private_jwk.Reveal());
};

TEST_F(TokenMint, NamesAServiceAccountAsKubernetesDoes) {
  const jose::Claims claims = Claims({"--service-account", "ci/builder"});
  EXPECT_EQ(claims.subject, "system:serviceaccount:ci:builder");
  EXPECT_EQ(claims.issuer, "https://local.oci-connector.dev");
  EXPECT_THAT(claims.audiences, testing::ElementsAre("oci-connector"));
  EXPECT_EQ(*claims.expires_at - *claims.issued_at, std::chrono::hours(1));
}

TEST_F(TokenMint, TakesEveryClaimFromItsFlag) {
  const jose::Claims claims = Claims({"--subject",
                                      "alice",
                                      "--issuer=https://i.example",
                                      "--audience=other",
                                      "--claim",
                                      "team=a=b",
                                      "--claim",
                                      "quoted=\"x",
                                      "--ttl=90s"});
  EXPECT_EQ(claims.subject, "alice");
  EXPECT_EQ(claims.issuer, "https://i.example");
  EXPECT_THAT(claims.audiences, testing::ElementsAre("other"));
  EXPECT_EQ(*claims.expires_at - *claims.issued_at, std::chrono::seconds(90));
  EXPECT_EQ(claims.texts.find("team")->second, "a=b");
  EXPECT_EQ(claims.texts.find("quoted")->second, "\"x");
}

TEST_F(TokenMint, NamesItsKeySoThatRotatedKeysCanStandSideBySide) {
  const Outcome outcome = Connectorctl({"token", "mint", "--key", key_, "--subject=a"});
  const jose::EcKey other = *jose::MakeEcKey();
  const std::string both = "{\"keys\":[" +
                           other.public_jwks.substr(9, other.public_jwks.rfind(']') - 9) + "," +
                           issuer_.public_jwks.substr(9, issuer_.public_jwks.rfind(']') - 9) + "]}";
  const Result<jose::JwkSet> keys = jose::ParseJwkSet(both);
  ASSERT_TRUE(keys.has_value());
  EXPECT_TRUE(
      jose::VerifyCompact(outcome.out.substr(0, outcome.out.size() - 1), *keys).has_value());
}

TEST_F(TokenMint, RefusesClaimsThatWouldMislead) {
  EXPECT_THAT(Refusal({}), HasSubstr("one of --service-account NAMESPACE/NAME and --subject"));
  EXPECT_THAT(Refusal({"--subject=a", "--service-account=a/b"}), HasSubstr("one of"));
  EXPECT_THAT(Refusal({"--service-account=a"}), HasSubstr("NAMESPACE/NAME"));
  EXPECT_THAT(Refusal({"--service-account=a/b:c"}), HasSubstr("NAMESPACE/NAME"));
  for (const std::string name : {"iss", "sub", "aud", "exp", "nbf", "iat", "jti"}) {
    const std::string claim = name + "=1";
    EXPECT_THAT(Refusal({"--subject=a", "--claim", claim}),
                HasSubstr("--claim " + name + " is set by flags of its own"))
        << name;
  }
  EXPECT_THAT(Refusal({"--subject=a", "--claim=x"}), HasSubstr("must be KEY=VALUE"));
  EXPECT_THAT(Refusal({"--subject=a", "--claim==x"}), HasSubstr("must be KEY=VALUE"));
  EXPECT_THAT(Refusal({"--subject=a", "--claim=x=1", "--claim=x=2"}), HasSubstr("more than once"));
  EXPECT_THAT(Refusal({"--subject=a", "--ttl=0"}), HasSubstr("is not a duration"));
  EXPECT_THAT(Refusal({"--subject=a", "--issuer=local"}), HasSubstr("--issuer must be a URL"));
}

TEST_F(TokenMint, RefusesAKeyThatCannotSignAndNeverQuotesIt) {
  const auto refusal = [&](std::string_view content) {
    const std::string path = Write("other", content);
    const Outcome outcome = Connectorctl({"token", "mint", "--key", path, "--subject=a"});
    EXPECT_EQ(outcome.code, kExitUsage);
    EXPECT_THAT(outcome.err, HasSubstr(path + ": "));
    return outcome.err;
  };
  EXPECT_THAT(refusal("hush"), Not(HasSubstr("hush")));
  EXPECT_THAT(refusal(issuer_.public_jwks), HasSubstr("is not a JWK"));
  EXPECT_THAT(refusal("{\"kid\":\"a\",\"x\":\"" + std::string(100000, 'x') + "\"}"),
              HasSubstr("is over 16 KiB; a JWK is expected"));
  EXPECT_EQ(Connectorctl({"token", "mint", "--key", Path("none"), "--subject=a"}).code, kExitUsage);
}

}  // namespace
}  // namespace connector::cli
