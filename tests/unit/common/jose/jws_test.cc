#include "common/jose/jws.h"

#include "common/base/encoding.h"
#include "tests/contract/broker/callers/token_forge.h"
#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace connector::jose {
namespace {

using ::testing::HasSubstr;
using testing_support::Forge;
using testing_support::HasError;
using testing_support::HasErrorMessage;
using testing_support::HasValue;
using testing_support::Header;
using testing_support::Jwks;
using testing_support::SigningKey;

struct Algorithm {
  const char* alg;
  SigningKey (*make)();

  friend void PrintTo(const Algorithm& row, std::ostream* os) { *os << row.alg; }
};

SigningKey Rsa() {
  return SigningKey::Rsa();
}

class VerifyCompactChecks : public ::testing::TestWithParam<Algorithm> {};

TEST_P(VerifyCompactChecks, ASignatureThatOpenSslMade) {
  const auto [alg, make] = GetParam();
  const SigningKey key = make();
  const SigningKey other = make();
  const auto keys = ParseJwkSet(Jwks({key.PublicJwk("k")}));
  ASSERT_TRUE(keys);

  EXPECT_THAT(VerifyCompact(Forge(key, alg, Header(alg, "k"), "payload"), *keys),
              HasValue("payload"));
  EXPECT_THAT(VerifyCompact(Forge(other, alg, Header(alg, "k"), "payload"), *keys),
              HasErrorMessage(ErrorCode::kUnauthenticated, HasSubstr("signature is wrong")));
}

INSTANTIATE_TEST_SUITE_P(
    EveryAlgorithm,
    VerifyCompactChecks,
    ::testing::Values(Algorithm{"ES256", [] { return SigningKey::Ec("P-256"); }},
                      Algorithm{"ES384", [] { return SigningKey::Ec("P-384"); }},
                      Algorithm{"ES512", [] { return SigningKey::Ec("P-521"); }},
                      Algorithm{"RS256", Rsa},
                      Algorithm{"RS384", Rsa},
                      Algorithm{"RS512", Rsa},
                      Algorithm{"PS256", Rsa},
                      Algorithm{"PS384", Rsa},
                      Algorithm{"PS512", Rsa}),
    [](const auto& row) { return std::string(row.param.alg); });

TEST(VerifyCompact, RefusesTheOtherRsaSchemeThanTheHeaderSays) {
  const SigningKey key = SigningKey::Rsa();
  const auto keys = ParseJwkSet(Jwks({key.PublicJwk("k")}));

  EXPECT_THAT(VerifyCompact(Forge(key, "PS256", Header("RS256", "k"), "p"), *keys),
              HasError(ErrorCode::kUnauthenticated));
  EXPECT_THAT(VerifyCompact(Forge(key, "RS256", Header("RS512", "k"), "p"), *keys),
              HasError(ErrorCode::kUnauthenticated));
}

TEST(VerifyCompact, TriesEachKeyThatFitsATokenWithoutKid) {
  const SigningKey key = SigningKey::Ec();
  const std::string token = Forge(key, "ES256", R"({"alg":"ES256","typ":"JWT"})", "p");
  const std::string same = SigningKey::Ec().PublicJwk("same");
  const std::string other = SigningKey::Ec("P-384").PublicJwk("other");

  EXPECT_THAT(VerifyCompact(token, *ParseJwkSet(Jwks({other, same, key.PublicJwk("k")}))),
              HasValue("p"));
  EXPECT_THAT(VerifyCompact(token, *ParseJwkSet(Jwks({same, same}))),
              HasErrorMessage(ErrorCode::kUnauthenticated, HasSubstr("signature is wrong")));
  EXPECT_THAT(VerifyCompact(token, *ParseJwkSet(Jwks({other}))), HasError(ErrorCode::kNotFound));
}

TEST(VerifyCompact, TriesEachKeyOfAKidAndNoOther) {
  const SigningKey key = SigningKey::Ec();
  const std::string token = Forge(key, "ES256", Header("ES256", "k"), "p");
  const std::string twin = SigningKey::Ec().PublicJwk("k");

  EXPECT_THAT(VerifyCompact(token, *ParseJwkSet(Jwks({twin, key.PublicJwk("k")}))), HasValue("p"));
  EXPECT_THAT(VerifyCompact(token, *ParseJwkSet(Jwks({twin, key.PublicJwk("l")}))),
              HasErrorMessage(ErrorCode::kUnauthenticated, HasSubstr("signature is wrong")));
}

TEST(VerifyCompact, RefusesATokenOverItsLimit) {
  const SigningKey key = SigningKey::Ec();
  const auto keys = ParseJwkSet(Jwks({key.PublicJwk("k")}));
  const auto token_with = [&](std::size_t payload) {
    return Forge(key, "ES256", Header("ES256", "k"), std::string(payload, 'p'));
  };
  const std::size_t around = token_with(0).size() - 1;
  std::size_t fits = (kMaxJwsBytes - around) / 4 * 3;
  while (token_with(fits).size() > kMaxJwsBytes) {
    --fits;
  }

  EXPECT_TRUE(VerifyCompact(token_with(fits), *keys));
  EXPECT_THAT(VerifyCompact(token_with(fits + 3), *keys),
              HasErrorMessage(ErrorCode::kUnauthenticated, HasSubstr("too long")));
}

TEST(VerifyCompact, ReadsTheLongestHeaderAndKid) {
  const SigningKey key = SigningKey::Ec();
  const std::string kid(kMaxKeyIdBytes, 'k');
  const auto keys = ParseJwkSet(Jwks({key.PublicJwk(kid)}));
  const std::string open = R"({"alg":"ES256","kid":")" + kid + R"(","x":")";
  const std::string header = open + std::string(kMaxJwsHeaderBytes - open.size() - 2, 'x') + "\"}";

  EXPECT_THAT(VerifyCompact(Forge(key, "ES256", header, "p"), *keys), HasValue("p"));
}

TEST(MakeEcKey, MakesAPairThatSignsAndVerifies) {
  const auto key = MakeEcKey();
  ASSERT_TRUE(key) << key.error().message;
  const auto keys = ParseJwkSet(key->public_jwks);
  ASSERT_TRUE(keys) << keys.error().message;

  const auto token = SignCompact(key->private_jwk.Reveal(), R"({"iss":"i"})", key->kid);

  ASSERT_TRUE(token) << token.error().message;
  EXPECT_THAT(VerifyCompact(*token, *keys), HasValue(R"({"iss":"i"})"));
  EXPECT_EQ(Base64UrlDecode(token->substr(0, token->find('.'))),
            R"({"alg":"ES256","typ":"JWT","kid":")" + key->kid + "\"}");
}

TEST(MakeEcKey, KeepsThePrivatePartOutOfTheSet) {
  const auto key = MakeEcKey();
  ASSERT_TRUE(key);

  EXPECT_THAT(std::string(key->private_jwk.Reveal()), HasSubstr("\"d\":"));
  EXPECT_EQ(key->public_jwks.find("\"d\":"), std::string::npos) << key->public_jwks;
}

TEST(MakeEcKey, NamesTheKeyByItsThumbprint) {
  const auto key = MakeEcKey();
  ASSERT_TRUE(key);
  const auto coordinate = [&](const std::string& name) {
    const std::string open = "\"" + name + "\":\"";
    return key->public_jwks.substr(key->public_jwks.find(open) + open.size(), 43);
  };

  const std::string canonical = R"({"crv":"P-256","kty":"EC","x":")" + coordinate("x") +
                                R"(","y":")" + coordinate("y") + "\"}";

  EXPECT_EQ(key->kid, Base64UrlEncode(testing_support::Sha256(canonical)));
}

TEST(MakeEcKey, MakesADifferentKeyEachTime) {
  EXPECT_NE(MakeEcKey()->kid, MakeEcKey()->kid);
}

TEST(SignCompact, LeavesAnEmptyKidOut) {
  const auto key = MakeEcKey();

  const auto token = SignCompact(key->private_jwk.Reveal(), "p", "");

  ASSERT_TRUE(token) << token.error().message;
  EXPECT_EQ(Base64UrlDecode(token->substr(0, token->find('.'))), R"({"alg":"ES256","typ":"JWT"})");
}

TEST(SignCompact, RefusesAKeyThatCannotSign) {
  const std::string secret = R"({"kty":"oct","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0","d":""})";
  const auto made = MakeEcKey();
  std::string other_alg(made->private_jwk.Reveal());
  other_alg.replace(other_alg.find("ES256"), 5, "ES384");
  for (const std::string& key :
       {std::string(),
        std::string("{}"),
        std::string("[]"),
        secret,
        SigningKey::Ec().PublicJwk("k"),
        SigningKey::Rsa().PublicJwk("k"),
        other_alg,
        std::string(9000, ' ') + std::string(made->private_jwk.Reveal())}) {
    EXPECT_THAT(SignCompact(key, "p", "k"), HasError(ErrorCode::kInvalidArgument)) << key;
  }
}

}  // namespace
}  // namespace connector::jose
