#include "csi/volume/kubelet_token.h"

#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace connector::csi::volume {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Optional;
using testing_support::HasError;
using testing_support::HasErrorMessage;

const WallTime kNow = *ParseTimestamp("2026-11-24T12:00:00Z");

Result<KubeletTokens> Parse(const char* json) {
  return ParseKubeletTokens(json, "oci-connector", kNow);
}

TEST(ParseKubeletTokens, TakesTheTokensOfOurAudiences) {
  const auto tokens = Parse(
      R"({"other":{"token":"x.y","expirationTimestamp":"2026-11-24T13:00:00Z"},
          "oci-connectors/team-a/harbor":5,
          "oci-connector":{"token":"a.b-c_d","expirationTimestamp":"2026-11-24T12:10:00Z"},
          "oci-connector/team-a/harbor":{"token":"n","expirationTimestamp":"2026-11-24T12:20:00Z"}})");

  ASSERT_TRUE(tokens.has_value()) << tokens.error().message;
  const KubeletToken* token = tokens->Find("oci-connector");
  ASSERT_NE(token, nullptr);
  EXPECT_EQ(token->value.Reveal(), "a.b-c_d");
  EXPECT_EQ(token->expires_at, kNow + std::chrono::minutes(10));
  const KubeletToken* narrowed =
      tokens->Find(NarrowedAudience("oci-connector", {"team-a", "harbor"}));
  ASSERT_NE(narrowed, nullptr);
  EXPECT_EQ(narrowed->value.Reveal(), "n");
  EXPECT_EQ(tokens->Find("other"), nullptr);
}

TEST(ParseKubeletTokens, TakesNarrowedTokensAlone) {
  EXPECT_TRUE(
      Parse(R"({"oci-connector/a/b":{"token":"n","expirationTimestamp":"2026-11-24T12:20:00Z"}})"));
}

TEST(ParseKubeletTokens, KnowsTheAudienceOfItsBroker) {
  const char* json = R"({"ours":{"token":"n","expirationTimestamp":"2026-11-24T12:20:00Z"}})";
  EXPECT_TRUE(ParseKubeletTokens(json, "ours", kNow));
  EXPECT_THAT(Parse(json),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("audience oci-connector")));
}

TEST(ParseKubeletTokens, SaysThatTheCsiDriverObjectLacksTokenRequests) {
  for (const char* json : {"", "{}", R"({"":{"token":"a","expirationTimestamp":"x"}})"}) {
    EXPECT_THAT(Parse(json),
                HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("tokenRequests")))
        << json;
  }
}

TEST(ParseKubeletTokens, RefusesWhatIsNotTheKubeletsForm) {
  for (const char* json :
       {"[",
        "[]",
        R"({"oci-connector":"a.b.c"})",
        R"({"oci-connector":{"token":5,"expirationTimestamp":"2026-11-24T13:00:00Z"}})",
        R"({"oci-connector":{"token":"","expirationTimestamp":"2026-11-24T13:00:00Z"}})",
        R"({"oci-connector":{"token":"a b","expirationTimestamp":"2026-11-24T13:00:00Z"}})",
        R"({"oci-connector":{"token":"a\nb","expirationTimestamp":"2026-11-24T13:00:00Z"}})",
        R"({"oci-connector":{"token":"a"}})",
        R"({"oci-connector":{"token":"a","expirationTimestamp":"tomorrow"}})"}) {
    EXPECT_THAT(Parse(json),
                HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("cannot be read")))
        << json;
  }
}

TEST(ParseKubeletTokens, RefusesATokenThatHasEndedAndIsWorthAnotherTry) {
  const auto token =
      Parse(R"({"oci-connector":{"token":"a","expirationTimestamp":"2026-11-24T12:00:00Z"}})");

  EXPECT_THAT(token, HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("has ended already")));
}

TEST(ParseKubeletTokens, NeverQuotesAToken) {
  EXPECT_THAT(Parse(R"({"oci-connector":{"token":"canary-7","x":1}})"),
              HasErrorMessage(ErrorCode::kInvalidArgument, Not(HasSubstr("canary"))));
}

TEST(ParseTimestamp, ReadsUtc) {
  EXPECT_THAT(ParseTimestamp("1970-01-02T00:00:01Z"),
              Optional(WallTime(std::chrono::seconds(86401))));
}

TEST(ParseTimestamp, RefusesOtherForms) {
  for (const char* text : {"",
                           "2026-11-24",
                           "2026-11-24T12:00:00",
                           "2026-11-24T12:00:00+01:00",
                           "2026-13-24T12:00:00Z",
                           "2026-11-00T12:00:00Z",
                           "2026-11-24T24:00:00Z",
                           "2026-11-24 12:00:00Z"}) {
    EXPECT_EQ(ParseTimestamp(text), std::nullopt) << text;
  }
}

TEST(ShouldReplaceToken, WhatIsMountedUnlessWhatComesEndsSooner) {
  EXPECT_TRUE(ShouldReplaceToken(kNow, std::nullopt));
  EXPECT_TRUE(ShouldReplaceToken(kNow, kNow));
  EXPECT_TRUE(ShouldReplaceToken(kNow + std::chrono::seconds(1), kNow));
  EXPECT_FALSE(ShouldReplaceToken(kNow, kNow + std::chrono::seconds(1)));
}

}  // namespace
}  // namespace connector::csi::volume
