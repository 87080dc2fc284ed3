#include "common/jose/claims.h"

#include "tests/contract/broker/callers/hostile_tokens.h"
#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::jose {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using testing_support::HasError;
using testing_support::HasErrorMessage;
using testing_support::HasValue;

WallTime At(std::int64_t seconds) {
  return WallTime{std::chrono::seconds{seconds}};
}

TEST(ParseClaims, ReadsWhatAKubernetesTokenSays) {
  const auto claims = ParseClaims(
      R"({"aud":["oci-connector"],"exp":1800000600,"iat":1800000000,"iss":"https://k8s","jti":"x",
          "kubernetes.io":{"namespace":"ci","serviceaccount":{"name":"builder"}},
          "nbf":1800000000,"sub":"system:serviceaccount:ci:builder"})");

  ASSERT_TRUE(claims) << claims.error().message;
  EXPECT_EQ(claims->issuer, "https://k8s");
  EXPECT_EQ(claims->subject, "system:serviceaccount:ci:builder");
  EXPECT_THAT(claims->audiences, ElementsAre("oci-connector"));
  EXPECT_EQ(claims->expires_at, At(1'800'000'600));
  EXPECT_EQ(claims->not_before, At(1'800'000'000));
  EXPECT_EQ(claims->issued_at, At(1'800'000'000));
}

TEST(ParseClaims, KeepsTopLevelScalarsAsText) {
  const auto claims = ParseClaims(
      R"({"iss":"i","sub":"s","text":"\u00e9","int":-7,"big":18446744073709551615,"real":1.5e1,
          "yes":true,"no":false,"none":null,"list":["b",7,true,null,["c"]],
          "object":{"inner":"x"}})");

  ASSERT_TRUE(claims) << claims.error().message;
  EXPECT_THAT(claims->texts,
              ElementsAre(Pair("big", "18446744073709551615"),
                          Pair("int", "-7"),
                          Pair("iss", "i"),
                          Pair("list", "b"),
                          Pair("list", "7"),
                          Pair("list", "true"),
                          Pair("no", "false"),
                          Pair("real", "15"),
                          Pair("sub", "s"),
                          Pair("text", "\xC3\xA9"),
                          Pair("yes", "true")));
}

TEST(ParseClaims, AllowsAMemberToRepeatDeeperDown) {
  EXPECT_TRUE(ParseClaims(R"({"iss":"i","sub":"s","a":{"sub":"x","iss":1},"b":[{"sub":2}]})"));
}

TEST(ParseClaims, RefusesMoreMembersThanItsLimit) {
  std::string payload = R"({"iss":"i","sub":"s")";
  for (int i = 0; i < 254; ++i) {
    payload += ",\"m" + std::to_string(i) + "\":0";
  }
  EXPECT_TRUE(ParseClaims(payload + "}"));
  EXPECT_THAT(ParseClaims(payload + R"(,"one":0})"),
              HasErrorMessage(ErrorCode::kUnauthenticated, HasSubstr("too many members")));
}

TEST(ParseClaims, RefusesMoreAudiencesThanItsLimit) {
  std::string list = "\"a\"";
  for (std::size_t i = 1; i < kMaxAudiences; ++i) {
    list += ",\"a\"";
  }
  EXPECT_TRUE(ParseClaims(R"({"iss":"i","sub":"s","aud":[)" + list + "]}"));
  EXPECT_THAT(ParseClaims(R"({"iss":"i","sub":"s","aud":["b",)" + list + "]}"),
              HasError(ErrorCode::kUnauthenticated));
}

TEST(ParseClaims, CutsOffFractionsOfASecond) {
  const auto claims =
      ParseClaims(R"({"iss":"i","sub":"s","iat":1800000000.75,"nbf":0.9,"exp":1.8000006009e9})");

  ASSERT_TRUE(claims) << claims.error().message;
  EXPECT_EQ(claims->issued_at, At(1'800'000'000));
  EXPECT_EQ(claims->not_before, At(0));
  EXPECT_EQ(claims->expires_at, At(1'800'000'600));
}

TEST(ParseClaims, RefusesTimesBeyondItsLimits) {
  for (const char* time :
       {"-1", "-1.5", "4102444801", "4102444801.5", "1e300", R"("1800000000")"}) {
    EXPECT_THAT(ParseClaims(R"({"iss":"i","sub":"s","exp":)" + std::string(time) + "}"),
                HasErrorMessage(ErrorCode::kUnauthenticated, HasSubstr("not a time in seconds")))
        << time;
  }
}

TEST(ParseClaims, TakesTimesUpToItsLimits) {
  const auto claims = ParseClaims(R"({"iss":"i","sub":"s","nbf":0,"exp":4102444800})");

  ASSERT_TRUE(claims) << claims.error().message;
  EXPECT_EQ(claims->not_before, At(0));
  EXPECT_EQ(claims->expires_at, At(kMaxNumericDate));
}

TEST(CheckClaims, GivesLeewayToTheStartAndNoneToTheEnd) {
  const Claims claims{"i", "s", {"a"}, At(1000), At(1000), At(1000), {}};
  const ExpectedClaims expected{"i", "a"};

  EXPECT_TRUE(CheckClaims(claims, expected, At(999)));
  EXPECT_TRUE(CheckClaims(claims, expected, At(970)));
  EXPECT_FALSE(CheckClaims(claims, expected, At(969)));
  EXPECT_FALSE(CheckClaims(claims, expected, At(1000)));
}

TEST(UnverifiedIssuer, ReadsTheIssuerAndTrustsNothing) {
  const auto token = [](const std::string& payload) {
    return testing_support::ForgeUnsigned(R"({"alg":"none"})", payload, "x");
  };
  EXPECT_THAT(UnverifiedIssuer(token(R"({"iss":"https://a"})")), HasValue("https://a"));
  EXPECT_THAT(UnverifiedIssuer(token(R"({"iss":"a","iss":"b"})")),
              HasError(ErrorCode::kUnauthenticated));
  EXPECT_THAT(UnverifiedIssuer(token("{}")), HasError(ErrorCode::kUnauthenticated));
  EXPECT_THAT(UnverifiedIssuer("a.b"), HasError(ErrorCode::kUnauthenticated));
}

}  // namespace
}  // namespace connector::jose
