#include "common/jose/jwk_set.h"

#include "tests/contract/broker/callers/token_forge.h"
#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

namespace connector::jose {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using testing_support::HasError;
using testing_support::HasErrorMessage;
using testing_support::Jwks;
using testing_support::SigningKey;

// The algorithms that a lone key is pinned to, found by asking for each.
std::string Pinned(const std::string& jwk) {
  const auto set = ParseJwkSet(Jwks({jwk}));
  std::string out;
  for (const char* alg : {"RS256",
                          "RS384",
                          "RS512",
                          "PS256",
                          "PS384",
                          "PS512",
                          "ES256",
                          "ES384",
                          "ES512",
                          "HS256",
                          "HS384",
                          "HS512",
                          "none",
                          "RSA-OAEP",
                          "EdDSA",
                          ""}) {
    if (set && set->Candidates(std::nullopt, alg)) {
      out += std::string(alg) + " ";
    }
  }
  return out;
}

TEST(ParseJwkSet, PinsEachKeyToTheAlgorithmsOfItsKind) {
  const SigningKey rsa = SigningKey::Rsa();
  EXPECT_EQ(Pinned(SigningKey::Ec("P-256").PublicJwk("k")), "ES256 ");
  EXPECT_EQ(Pinned(SigningKey::Ec("P-384").PublicJwk("k")), "ES384 ");
  EXPECT_EQ(Pinned(SigningKey::Ec("P-521").PublicJwk("k")), "ES512 ");
  EXPECT_EQ(Pinned(rsa.PublicJwk("k")), "RS256 RS384 RS512 PS256 PS384 PS512 ");
  EXPECT_EQ(Pinned(rsa.PublicJwk("k", R"(,"alg":"RS384")")), "RS384 ");
  EXPECT_EQ(Pinned(rsa.PublicJwk("k", R"(,"use":"sig","key_ops":["verify"])")),
            "RS256 RS384 RS512 PS256 PS384 PS512 ");
}

struct Skipped {
  std::string rule;
  std::string jwk;

  friend void PrintTo(const Skipped& row, std::ostream* os) { *os << row.rule; }
};

std::string Replace(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  return at == std::string::npos ? "not found" : text.replace(at, from.size(), to);
}

std::vector<Skipped> SkippedKeys() {
  const SigningKey ec = SigningKey::Ec();
  const SigningKey other = SigningKey::Ec();
  const SigningKey rsa = SigningKey::Rsa();
  const std::string ec_jwk = ec.PublicJwk("k");
  const std::string rsa_jwk = rsa.PublicJwk("k");
  const auto x_of = [](const std::string& jwk) {
    const auto at = jwk.find("\"x\":\"") + 5;
    return jwk.substr(at, 43);
  };
  return {
      {"Symmetric", R"({"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})"},
      {"OfAnUnknownKind", R"({"kty":"OKP","crv":"Ed25519","x":"AAAA"})"},
      {"WithoutKind", R"({"n":"AQAB"})"},
      {"NoObject", "7"},
      {"ForEncryption", ec.PublicJwk("k", R"(,"use":"enc")")},
      {"WithAUseThatIsNoString", ec.PublicJwk("k", R"(,"use":["sig"])")},
      {"WhoseOperationsLackVerify", ec.PublicJwk("k", R"(,"key_ops":["deriveKey"])")},
      {"WhoseOperationsAreNoList", ec.PublicJwk("k", R"(,"key_ops":"verify")")},
      {"WithAnAlgOfAnotherKind", ec.PublicJwk("k", R"(,"alg":"RS256")")},
      {"WithAnAlgForEncryption", rsa.PublicJwk("k", R"(,"alg":"RSA-OAEP")")},
      {"WithASymmetricAlg", rsa.PublicJwk("k", R"(,"alg":"HS256")")},
      {"WithAnAlgThatIsNoString", rsa.PublicJwk("k", R"(,"alg":7)")},
      {"RsaThatIsSmall", SigningKey::Rsa(1024).PublicJwk("k")},
      {"RsaThatIsOneBitShort", SigningKey::Rsa(2047).PublicJwk("k")},
      {"RsaThatIsHuge", R"({"kty":"RSA","e":"AQAB","n":")" + std::string(4 * 1024, '_') + "\"}"},
      {"RsaWithExponentOne", Replace(rsa_jwk, R"("e":"AQAB")", R"("e":"AQ")")},
      {"RsaWithALongExponentOne", Replace(rsa_jwk, R"("e":"AQAB")", R"("e":"AAAB")")},
      {"RsaWithAnEvenExponent", Replace(rsa_jwk, R"("e":"AQAB")", R"("e":"AQAA")")},
      {"RsaWithAHugeExponent",
       Replace(rsa_jwk, R"("e":"AQAB")", R"("e":")" + std::string(12, '_') + '"')},
      {"RsaWithoutExponent", Replace(rsa_jwk, R"(,"e":"AQAB")", "")},
      {"RsaThatIsNotBase64url", Replace(rsa_jwk, R"("n":")", R"("n":"+)")},
      {"EcOffItsCurve", Replace(ec_jwk, x_of(ec_jwk), x_of(other.PublicJwk("k")))},
      {"EcOfAnUnknownCurve", Replace(ec_jwk, "P-256", "secp256k1")},
      {"EcOfAnotherCurve", Replace(ec_jwk, "P-256", "P-384")},
      {"EcWithAShortCoordinate", Replace(ec_jwk, x_of(ec_jwk), "AAAA")},
      {"EcWithoutY", Replace(ec_jwk, R"("y")", R"("z")")}};
}

class ParseJwkSetSkipsAKey : public ::testing::TestWithParam<Skipped> {};

TEST_P(ParseJwkSetSkipsAKey, AndKeepsTheOthers) {
  const std::string good = SigningKey::Ec("P-384").PublicJwk("good");

  const auto set = ParseJwkSet(Jwks({GetParam().jwk, good}));

  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ(set->size(), 1U);
  EXPECT_TRUE(set->Candidates("good", "ES384"));
}

INSTANTIATE_TEST_SUITE_P(Unusable,
                         ParseJwkSetSkipsAKey,
                         ::testing::ValuesIn(SkippedKeys()),
                         [](const auto& row) { return row.param.rule; });

TEST(ParseJwkSet, DropsPrivateMembers) {
  const auto set = ParseJwkSet(Jwks({SigningKey::Ec().PublicJwk("k", R"(,"d":"!")")}));

  EXPECT_TRUE(set) << "a private member was looked at: " << set.error().message;
}

TEST(ParseJwkSet, RefusesASetThatHasAnotherShape) {
  const std::string key = SigningKey::Ec().PublicJwk("k");
  for (const std::string& text : {std::string(),
                                  std::string("{"),
                                  std::string("[]"),
                                  std::string("{}"),
                                  std::string(R"({"keys":{}})"),
                                  std::string(R"({"keys":[]})"),
                                  Jwks({key}) + "x",
                                  Jwks({R"({"kty":"oct","k":"AAAA"})"})}) {
    EXPECT_THAT(ParseJwkSet(text), HasError(ErrorCode::kInvalidArgument)) << text;
  }
}

TEST(ParseJwkSet, RefusesWhatIsOverItsLimits) {
  const std::string key = SigningKey::Ec().PublicJwk("k");
  const std::string padding(kMaxJwksBytes - Jwks({key}).size(), ' ');
  EXPECT_TRUE(ParseJwkSet(Jwks({key}) + padding));
  EXPECT_THAT(ParseJwkSet(Jwks({key}) + padding + " "),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("256 KiB")));

  std::string many = key;
  for (std::size_t i = 1; i < kMaxJwksKeys; ++i) {
    many += ",7";
  }
  EXPECT_TRUE(ParseJwkSet(Jwks({many})));
  EXPECT_THAT(ParseJwkSet(Jwks({many, "7"})),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("100 keys")));
}

TEST(Candidates, TellsAnUnknownKeyFromAForbiddenAlgorithm) {
  const auto set = ParseJwkSet(
      Jwks({SigningKey::Ec("P-256").PublicJwk("a"), SigningKey::Ec("P-384").PublicJwk("b")}));
  ASSERT_TRUE(set);

  EXPECT_TRUE(set->Candidates("a", "ES256"));
  EXPECT_THAT(set->Candidates("a", "ES384"), HasError(ErrorCode::kUnauthenticated));
  EXPECT_THAT(set->Candidates("c", "ES256"), HasError(ErrorCode::kNotFound));
  EXPECT_TRUE(set->Candidates(std::nullopt, "ES384"));
  EXPECT_THAT(set->Candidates(std::nullopt, "RS256"), HasError(ErrorCode::kNotFound));
  EXPECT_THAT(JwkSet().Candidates("a", "ES256"), HasError(ErrorCode::kNotFound));
}

TEST(Candidates, AreAllThatFitUpToABound) {
  std::vector<std::string> jwks = {SigningKey::Ec("P-384").PublicJwk("a")};
  const std::string key = SigningKey::Ec().PublicJwk("a");
  jwks.resize(1 + kMaxTriedKeys + 1, key);
  std::string list = jwks[0];
  for (std::size_t i = 1; i < jwks.size(); ++i) {
    list += "," + jwks[i];
  }
  const auto set = ParseJwkSet(Jwks({list}));
  ASSERT_TRUE(set);

  EXPECT_THAT(*set->Candidates("a", "ES256"), SizeIs(kMaxTriedKeys));
  EXPECT_THAT(*set->Candidates(std::nullopt, "ES256"), SizeIs(kMaxTriedKeys));
  EXPECT_THAT(*set->Candidates("a", "ES384"), SizeIs(1)) << "of one kid, one is of this alg";
}

}  // namespace
}  // namespace connector::jose
