// What a sound Connector becomes. What is refused: corpus_test.cc.

#include "common/resource/documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace connector::resource {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::string_view kHead =
    "apiVersion: oci-connector.dev/v1alpha1\n"  // Line 1
    "kind: Connector\n"
    "metadata: {name: harbor}\n"
    "spec:\n";  // Line 4

std::string Document(std::string_view spec) {
  return std::string(kHead) + std::string(spec);
}

TEST(ValidateConnector, ReadsTheConnectorOfTheDesign) {
  const FileDocuments documents = ParseDocuments(Document(R"(
  connectorClassName: oci
  address: HTTPS://Harbor.Example.com/
  auth:
    name: tokenAuth
    secretRef: {name: harbor-robot}
    params: [{name: repository, value: library/ubuntu}]
  caCertSecretRef: {name: harbor-ca}
  upstream:
    tokenRealm: https://harbor.example.com/service/token?service=x
    redirects: {mode: pass, hosts: ["*.S3.amazonaws.com", "10.0.0.1", "fd00::1", "[fd00::2]"]}
    limits: {maxConcurrentRequests: 5, connectTimeout: 1s, idleTimeout: 1500ms}
  access:
  - from:
    - serviceAccount: {namespace: ci, name: builder.x}
    - namespace: team-a
    - oidc: {issuer: https://token.example.com, claims: {repository: org/app}}
    repositories: ["team-a/**"]
    actions: [pull, push, delete]
)"),
                                                 "f");
  ASSERT_EQ(config::Format(documents.problems), "");
  ASSERT_THAT(documents.connectors, SizeIs(1));
  const Connector connector = ApplyClass(documents.connectors[0].draft, {"oci", {}, {}});

  Connector expected;
  expected.ref = {"default", "harbor"};
  expected.class_name = "oci";
  expected.address = {true, "harbor.example.com", 443};
  expected.auth = {.kind = AuthKind::kTokenAuth,
                   .secret_name = "harbor-robot",
                   .vault = {},
                   .params = {{"repository", "library/ubuntu"}}};
  expected.ca_secret_name = "harbor-ca";
  expected.upstream.token_realm = http::Url{expected.address, "/service/token", "service=x"};
  expected.upstream.redirects = {routing::RedirectMode::kPass,
                                 {"*.s3.amazonaws.com", "10.0.0.1", "fd00::1", "fd00::2"}};
  expected.upstream.limits = {5, std::chrono::seconds(1), std::chrono::milliseconds(1500)};
  expected.access = {{{ServiceAccountMatch{"ci", "builder.x"},
                       NamespaceMatch{"team-a"},
                       OidcMatch{"https://token.example.com", {{"repository", "org/app"}}}},
                      {"team-a/**"},
                      {oci::Action::kPull, oci::Action::kPush, oci::Action::kDelete}}};
  EXPECT_EQ(connector, expected);
}

TEST(ValidateConnector, FillsTheDefaults) {
  const FileDocuments documents =
      ParseDocuments(Document("  address: https://r.example\n  auth: {name: anonymous}\n"), "f");
  ASSERT_THAT(documents.connectors, SizeIs(1));
  const Connector connector = ApplyClass(documents.connectors[0].draft, {"oci", {}, {}});

  EXPECT_EQ(connector.ref.ns, "default");
  EXPECT_EQ(connector.class_name, "oci");
  EXPECT_EQ(connector.upstream, Upstream{});
  EXPECT_THAT(connector.access, IsEmpty());
}

Auth AuthOf(const std::string& auth) {
  const FileDocuments documents =
      ParseDocuments(Document("  address: https://r.example\n  auth: " + auth + "\n"), "f.yaml");
  EXPECT_EQ(config::Format(documents.problems), "");
  return documents.connectors.at(0).draft.connector.auth;
}

TEST(ValidateConnector, ReadsAReferenceToVault) {
  EXPECT_EQ(AuthOf("{name: tokenAuth, vaultRef: {path: secret/data/ci/harbor, namespace: admin/a, "
                   "usernameKey: user, passwordKey: pass, version: 3}}")
                .vault,
            (VaultLocation{"admin/a", "secret/data/ci/harbor", "user", "pass", "", 3}));
  EXPECT_EQ(AuthOf("{name: tokenAuth, vaultRef: {path: secret/ci, dockerConfigKey: config}}").vault,
            (VaultLocation{"", "secret/ci", "username", "password", "config", 0}));
  EXPECT_EQ(AuthOf("{name: tokenAuth, secretRef: {name: s}}").vault, std::nullopt);
}

TEST(ApplyClass, LetsTheConnectorWinOverItsClass) {
  const FileDocuments documents = ParseDocuments(
      Document("  address: https://r.example\n  auth: {name: anonymous}\n"
               "  upstream: {redirects: {mode: follow}, limits: {idleTimeout: 9s}}\n"),
      "f");
  ASSERT_THAT(documents.connectors, SizeIs(1));
  routing::WrittenSettings shared;
  shared.mode = routing::RedirectMode::kPass;
  shared.hosts = {"h.example"};
  shared.max_concurrent_requests = 7;
  shared.connect_timeout = std::chrono::seconds(1);
  shared.idle_timeout = std::chrono::seconds(2);

  const Connector connector = ApplyClass(documents.connectors[0].draft, {"oci", {}, shared});

  EXPECT_EQ(connector.upstream.redirects,
            (routing::Redirects{routing::RedirectMode::kFollow, {"h.example"}}));
  EXPECT_EQ(connector.upstream.limits,
            (routing::Limits{7, std::chrono::seconds(1), std::chrono::seconds(9)}));
}

}  // namespace
}  // namespace connector::resource
