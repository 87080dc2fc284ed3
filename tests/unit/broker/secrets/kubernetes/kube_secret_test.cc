#include "broker/secrets/kubernetes/kube_secret.h"

#include "common/base/encoding.h"
#include "tests/support/cpp/ca_pem.h"
#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace connector::broker::secrets {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing_support::HasError;
using testing_support::HasErrorMessage;

const SecretRef kRef{"team-a", "robot"};
const kube::ObjectName kName{"team-a", "robot"};
const VersionDigest kVersions("0123456789abcdef0123456789abcdef");

kube::ObjectPtr Object(const std::string& rest,
                       const std::string& metadata = "",
                       const std::string& version = "7") {
  const auto parsed = kube::Object::Parse(
      R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"robot","namespace":"team-a",)"
      R"("resourceVersion":")" +
      version + "\"" + metadata + "}" + rest + "}");
  return parsed ? *parsed : nullptr;
}

constexpr const char* kBasic =
    R"(,"type":"kubernetes.io/basic-auth","data":{"username":"dQ==","password":"cA=="})";

KubeContent ContentOf(const std::string& rest, bool ca = false) {
  return KubeContentOf(*Object(rest), {kRef, {{"harbor.example.com"}}, ca}, kVersions);
}

TEST(KubeNameOf, LetsNoNameLeadOutOfTheNamespace) {
  for (const char* name : {"../../kube-system/secrets/admin",
                           "..",
                           ".",
                           "kube-system/admin",
                           "..%2f..%2fkube-system%2fsecrets%2fadmin",
                           "a%2fb",
                           "a?fieldSelector=",
                           "a#b",
                           "a,metadata.namespace=kube-system",
                           "",
                           "A",
                           "a b"}) {
    EXPECT_THAT(KubeNameOf({"team-a", name}),
                HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("its own namespace")))
        << name;
  }
}

TEST(KubeNameOf, TakesNoNamespaceThatIsNone) {
  for (const char* ns : {"", "..", "team-a/secrets", "team.a", "team-a%2f", "Team"}) {
    EXPECT_THAT(KubeNameOf({ns, "robot"}), HasError(ErrorCode::kInvalidArgument)) << ns;
  }
}

TEST(KubeNameOf, TakesNothingThatIsInVault) {
  EXPECT_THAT(KubeNameOf({"team-a", "", resource::VaultLocation{"", "secret/data/a"}}),
              HasError(ErrorCode::kInvalidArgument));
}

TEST(KubeNameOf, NamesWhatTheConnectorNames) {
  EXPECT_EQ(KubeNameOf({"team-a", "robot.harbor"})->ToString(), "team-a/robot.harbor");
}

TEST(ReadKubeSecret, DecodesTheDataAndTakesTheType) {
  const Result<StoredSecret> secret = ReadKubeSecret(*Object(kBasic), kName);

  ASSERT_TRUE(secret.has_value());
  EXPECT_EQ(secret->type, "kubernetes.io/basic-auth");
  EXPECT_EQ(secret->data.at("username").Reveal(), "u");
  EXPECT_EQ(secret->data.at("password").Reveal(), "p");
}

TEST(ReadKubeSecret, TakesASecretWithoutTypeOrDataForAnEmptyOpaqueOne) {
  for (const char* rest : {"", R"(,"data":null)", R"(,"data":{},"type":"Opaque")"}) {
    const Result<StoredSecret> secret = ReadKubeSecret(*Object(rest), kName);
    ASSERT_TRUE(secret.has_value()) << rest;
    EXPECT_EQ(secret->type + std::to_string(secret->data.size()), "Opaque0") << rest;
  }
}

TEST(ReadKubeSecret, TakesNoOtherObjectThanItAskedFor) {
  EXPECT_THAT(ReadKubeSecret(*Object(kBasic), {"team-b", "robot"}),
              HasError(ErrorCode::kUnavailable));
  EXPECT_THAT(ReadKubeSecret(*Object(kBasic), {"team-a", "other"}),
              HasError(ErrorCode::kUnavailable));
}

TEST(ReadKubeSecret, SaysWhichKeyIsNotBase64AndNotWhatItHolds) {
  for (const char* rest : {R"(,"data":{"password":"hunter2!"})", R"(,"data":{"password":7})"}) {
    EXPECT_THAT(ReadKubeSecret(*Object(rest), kName),
                HasErrorMessage(ErrorCode::kInvalidArgument,
                                AllOf(HasSubstr("key password"), Not(HasSubstr("hunter2")))))
        << rest;
  }
  EXPECT_THAT(ReadKubeSecret(*Object(R"(,"data":["x"])"), kName),
              HasError(ErrorCode::kInvalidArgument));
}

TEST(KubeContentOf, HasOneVersionForOneContentWhateverElseChanges) {
  const KubeContent content = ContentOf(kBasic);
  const SecretNeed need{kRef, {{"harbor.example.com"}}, false};

  EXPECT_EQ(
      KubeContentOf(*Object(kBasic, R"(,"labels":{"a":"b"},"uid":"x")", "8"), need, kVersions),
      content);
  EXPECT_NE(ContentOf(R"(,"type":"Opaque","data":{"username":"dQ==","password":"cA=="})").version,
            content.version);
}

struct Row {
  const char* name;
  std::string rest;
  std::string lacks;  // Empty: it is good.
};

std::string DockerConfig(const std::string& host) {
  // {"auths":{"HOST":{"auth":"dTpw"}}}
  const std::string json = R"({"auths":{")" + host + R"(":{"auth":"dTpw"}}})";
  return R"(,"type":"kubernetes.io/dockerconfigjson","data":{".dockerconfigjson":")" +
         Base64Encode(json) + "\"}";
}

TEST(KubeContentOf, ReadsEveryTypeThatHoldsACredential) {
  const std::string pair = R"(,"data":{"username":"dQ==","password":"cA=="})";
  const std::vector<Row> rows = {
      {"basic-auth", kBasic, ""},
      {"Opaque", R"(,"type":"Opaque")" + pair, ""},
      {"registry token", R"(,"type":"cpaas.io/distribution-registry-token")" + pair, ""},
      {"dockerconfigjson", DockerConfig("harbor.example.com"), ""},
      {"another registry's entry", DockerConfig("other.example.com"), "no entry for"},
      {"a key lost", R"(,"type":"Opaque","data":{"username":"dQ=="})", "lacks the key password"},
      {"another type", R"(,"type":"kubernetes.io/tls")" + pair, "type that holds no registry"},
  };
  for (const Row& row : rows) {
    const KubeContent content = ContentOf(row.rest);
    EXPECT_EQ(content.lacks.empty(), row.lacks.empty()) << row.name;
    for (const auto& [registry, lack] : content.lacks) {
      EXPECT_THAT(lack, AllOf(HasSubstr("the Secret team-a/robot"), HasSubstr(row.lacks)))
          << row.name;
    }
  }
}

TEST(KubeContentOf, KeepsACaBundleAndNothingElse) {
  const std::string pem = testing_support::MakeCaPem();
  const KubeContent content =
      ContentOf(R"(,"data":{"ca.crt":")" + Base64Encode(pem) + R"(","username":"dQ=="})", true);

  EXPECT_EQ(content.ca.pem(), pem);
  EXPECT_EQ(content.ca_problem, "");
  EXPECT_EQ(ContentOf(R"(,"data":{"ca.crt":")" + Base64Encode(pem) + "\"}").ca.pem(), "")
      << "for nobody needs it";
}

TEST(KubeContentOf, SaysWhatACaBundleLacks) {
  EXPECT_THAT(ContentOf(kBasic, true).ca_problem, HasSubstr("lacks the key ca.crt"));
  EXPECT_THAT(ContentOf(R"(,"data":{"ca.crt":"bm9uc2Vuc2U="})", true).ca_problem,
              HasSubstr("the key ca.crt of the Secret team-a/robot"));
}

TEST(ExplainKubeError, SaysWhichRuleToAdd) {
  const Error refused = MakeError(ErrorCode::kPermissionDenied, ErrorOrigin::kUpstream, "403");
  const std::string rule =
      R"({apiGroups: [""], resources: [secrets], resourceNames: [robot], verbs: [get, watch]})";

  const Error get = ExplainKubeError(refused, kRef, KubeVerb::kGet);
  EXPECT_EQ(get.code, ErrorCode::kPermissionDenied);
  EXPECT_THAT(get.message,
              AllOf(HasSubstr("may not get the Secret team-a/robot"),
                    HasSubstr("namespace team-a"),
                    HasSubstr(rule)));
  EXPECT_THAT(ExplainKubeError(refused, kRef, KubeVerb::kWatch).message,
              AllOf(HasSubstr("lacks the verb watch"), HasSubstr(rule)));
}

TEST(ExplainKubeError, BlamesNoSecretForWhatIsOurs) {
  const Error error = ExplainKubeError(
      MakeError(ErrorCode::kUnauthenticated, ErrorOrigin::kUpstream, "401"), kRef, KubeVerb::kGet);

  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_EQ(error.retry, Retry::kSafe);
  EXPECT_THAT(error.message, HasSubstr("the broker's own ServiceAccount token"));
}

TEST(ExplainKubeError, KeepsWhenToTryAgain) {
  Error away = MakeError(ErrorCode::kUnavailable, ErrorOrigin::kUpstream, "503", Retry::kSafe);
  away.retry_after = std::chrono::seconds(3);

  const Error error = ExplainKubeError(away, kRef, KubeVerb::kGet);

  EXPECT_EQ(error.retry_after, std::chrono::seconds(3));
  EXPECT_EQ(error.retry, Retry::kSafe);
  EXPECT_THAT(error.message, AllOf(HasSubstr("team-a/robot"), HasSubstr("503")));
}

}  // namespace
}  // namespace connector::broker::secrets
