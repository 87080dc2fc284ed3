#include "broker/authorization/subject_access_review.h"

#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/review_stand_in.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::broker::authorization {
namespace {

using testing_support::HasError;
using testing_support::JsonObject;

callers::Caller Builder() {
  callers::Caller caller;
  caller.issuer = "https://kubernetes.default.svc";
  caller.subject = "system:serviceaccount:ci:builder";
  caller.service_account = callers::ServiceAccount{"ci", "builder"};
  return caller;
}

TEST(SubjectAccessReview, AsksForGetOnTheProxyOfExactlyThisConnector) {
  const callers::KubernetesUser user{"system:serviceaccount:ci:builder",
                                     "uid-1",
                                     {"system:serviceaccounts", "system:authenticated"},
                                     {{"authentication.kubernetes.io/pod-name", {"build-7"}}}};

  const auto body = SubjectAccessReviewOf(user, {"default", "harbor"}, oci::Action::kPull);

  EXPECT_EQ(body, JsonObject(R"({"spec":{
      "user":"system:serviceaccount:ci:builder",
      "uid":"uid-1",
      "groups":["system:serviceaccounts","system:authenticated"],
      "extra":{"authentication.kubernetes.io/pod-name":["build-7"]},
      "resourceAttributes":{"verb":"get","group":"oci-connector.dev","resource":"connectors",
                            "subresource":"proxy","namespace":"default","name":"harbor"}}})"));
}

TEST(SubjectAccessReview, AsksForTheVerbOfTheAction) {
  const auto verb = [](oci::Action action) {
    const auto body = SubjectAccessReviewOf({}, {"default", "harbor"}, action);
    return body.at("spec").at("resourceAttributes").at("verb").as_string();
  };

  EXPECT_EQ(verb(oci::Action::kPull), "get");
  EXPECT_EQ(verb(oci::Action::kPush), "create");
  EXPECT_EQ(verb(oci::Action::kDelete), "delete");
}

TEST(UserOf, RepeatsWhatTheApiServerSaid) {
  callers::Caller caller = Builder();
  caller.kubernetes_user = callers::KubernetesUser{"system:serviceaccount:ci:builder", "u", {"g"}};

  EXPECT_EQ(UserOf(caller), *caller.kubernetes_user);
}

TEST(UserOf, GivesAServiceAccountTheGroupsThatEveryOneHas) {
  EXPECT_EQ(UserOf(Builder()),
            (callers::KubernetesUser{
                "system:serviceaccount:ci:builder",
                "",
                {"system:serviceaccounts", "system:serviceaccounts:ci", "system:authenticated"}}));
}

TEST(UserOf, PutsACallerOfAnotherIssuerIntoNoGroup) {
  callers::Caller caller;
  caller.issuer = "https://token.example.com";
  caller.subject = "system:serviceaccount:ci:builder";  // Whatever it calls itself.

  EXPECT_EQ(
      UserOf(caller),
      (callers::KubernetesUser{"https://token.example.com#system:serviceaccount:ci:builder"}));
}

TEST(UserOf, PutsAnAccountOfAnotherClusterIntoNoGroup) {
  callers::Caller caller = Builder();
  caller.issuer = "https://dev.example.com";
  caller.other_cluster_account = std::exchange(caller.service_account, std::nullopt);

  EXPECT_EQ(UserOf(caller),
            (callers::KubernetesUser{"https://dev.example.com#system:serviceaccount:ci:builder"}));
}

TEST(ReadSubjectAccessReview, TakesOnlyAPlainYesForAYes) {
  const auto allowed = [](std::string_view text) {
    return ReadSubjectAccessReview(JsonObject(text))->allowed;
  };

  EXPECT_TRUE(allowed(R"({"status":{"allowed":true,"reason":"RBAC: by RoleBinding x"}})"));
  EXPECT_TRUE(allowed(R"({"status":{"allowed":true,"denied":false}})"));
  EXPECT_FALSE(allowed(R"({"status":{"allowed":false}})"));
  EXPECT_FALSE(allowed(R"({"status":{"allowed":true,"denied":true}})"));
  EXPECT_FALSE(allowed(R"({"status":{"allowed":true,"denied":"no"}})"));
}

TEST(ReadSubjectAccessReview, TakesNothingElseForAnAnswer) {
  for (const char* text : {"{}",
                           R"({"status":null})",
                           R"({"status":{}})",
                           R"({"status":{"allowed":"true"}})",
                           R"({"status":[true]})",
                           R"({"kind":"Status","status":"Failure"})"}) {
    EXPECT_THAT(ReadSubjectAccessReview(JsonObject(text)), HasError(ErrorCode::kUnavailable))
        << text;
  }
}

}  // namespace
}  // namespace connector::broker::authorization
