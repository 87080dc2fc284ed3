#include "broker/callers/kubernetes/token_review.h"

#include "broker/callers/token_key.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/review_stand_in.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::broker::callers {
namespace {

using ::testing::HasSubstr;
using testing_support::HasError;
using testing_support::HasErrorMessage;
using testing_support::JsonObject;

Result<KubernetesUser> Read(std::string_view status) {
  return ReadTokenReview(JsonObject(R"({"status":)" + std::string(status) + "}"),
                         {"oci-connector"});
}

TEST(TokenReviewOf, AsksForOurAudiencesAlone) {
  EXPECT_EQ(TokenReviewOf("a.b.c", {"oci-connector"}),
            JsonObject(R"({"spec":{"token":"a.b.c","audiences":["oci-connector"]}})"));
  EXPECT_EQ(TokenReviewOf("a.b.c", {"x/a/b", "x/a/c"}),
            JsonObject(R"({"spec":{"token":"a.b.c","audiences":["x/a/b","x/a/c"]}})"));
}

TEST(ReadTokenReview, SaysWhoTheUserIs) {
  const auto user = Read(R"({"authenticated":true,"audiences":["oci-connector"],"user":{
      "username":"system:serviceaccount:ci:builder","uid":"u-1",
      "groups":["system:serviceaccounts","system:authenticated"],
      "extra":{"authentication.kubernetes.io/pod-uid":["p-1"]}}})");

  ASSERT_TRUE(user) << user.error().message;
  EXPECT_EQ(*user,
            (KubernetesUser{"system:serviceaccount:ci:builder",
                            "u-1",
                            {"system:serviceaccounts", "system:authenticated"},
                            {{"authentication.kubernetes.io/pod-uid", {"p-1"}}}}));
}

struct RefusalRow {
  std::string rule;
  std::string status;
  std::string reason;
};

TEST(ReadTokenReview, RefusesWithOneReasonPerCheck) {
  const std::string user = R"("user":{"username":"system:serviceaccount:ci:builder"})";
  const std::vector<RefusalRow> rows = {
      {"NotAuthenticated", R"({"authenticated":false})", "does not accept"},
      {"SaysNothing", "{}", "does not accept"},
      {"AuthenticatedIsText", R"({"authenticated":"true",)" + user + "}", "does not accept"},
      {"NoAudiences", R"({"authenticated":true,)" + user + "}", "does not confirm"},
      {"OtherAudiences",
       R"({"authenticated":true,"audiences":["https://kubernetes.default.svc"],)" + user + "}",
       "does not confirm"},
      {"AudiencesAreText",
       R"({"authenticated":true,"audiences":"oci-connector",)" + user + "}",
       "does not confirm"},
      {"AHuman",
       R"({"authenticated":true,"audiences":["oci-connector"],"user":{"username":"admin"}})",
       "not a ServiceAccount's"},
      {"NotQuiteAServiceAccount",
       R"({"authenticated":true,"audiences":["oci-connector"],
           "user":{"username":"system:serviceaccount:ci"}})",
       "not a ServiceAccount's"},
  };
  for (const RefusalRow& row : rows) {
    EXPECT_THAT(Read(row.status),
                HasErrorMessage(ErrorCode::kUnauthenticated, HasSubstr(row.reason)))
        << row.rule;
  }
}

TEST(ReadTokenReview, WantsEachAudienceConfirmed) {
  const auto answer = JsonObject(R"({"status":{"authenticated":true,"audiences":["x/a/b"],
      "user":{"username":"system:serviceaccount:ci:builder"}}})");

  EXPECT_TRUE(ReadTokenReview(answer, {"x/a/b"}));
  EXPECT_THAT(ReadTokenReview(answer, {"x/a/b", "x/a/c"}), HasError(ErrorCode::kUnauthenticated));
}

TEST(ReadTokenReview, TakesNothingElseForAnAnswer) {
  EXPECT_THAT(ReadTokenReview(JsonObject("{}"), {"oci-connector"}),
              HasError(ErrorCode::kUnavailable));
  EXPECT_THAT(Read(R"({"authenticated":true,"audiences":["oci-connector"]})"),
              HasError(ErrorCode::kUnavailable));
  EXPECT_THAT(Read(R"({"authenticated":true,"audiences":["oci-connector"],"user":{
                  "username":"system:serviceaccount:ci:builder","groups":"all"}})"),
              HasError(ErrorCode::kUnavailable));
  EXPECT_THAT(Read(R"({"authenticated":true,"audiences":["oci-connector"],"user":{
                  "username":"system:serviceaccount:ci:builder","extra":{"k":[1]}}})"),
              HasError(ErrorCode::kUnavailable));
}

TEST(ReadTokenReview, NeverRepeatsWhatTheApiServerSaysOfAToken) {
  EXPECT_EQ(
      Read(R"({"authenticated":false,"error":"invalid: eyJhbGciOi"})").error().message.find("eyJ"),
      std::string::npos);
}

TEST(TokenKey, IsTheWholeSha256OfTheWholeToken) {
  // FIPS 180-2, B.1.
  EXPECT_EQ(TokenKey("abc"),
            std::string("\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23"
                        "\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad",
                        32));
}

}  // namespace
}  // namespace connector::broker::callers
