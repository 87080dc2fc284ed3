#include "common/resource/documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>

namespace connector::resource {
namespace {

using ::testing::ElementsAre;
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

std::string Problems(std::string_view text) {
  return config::Format(ParseDocuments(text, "f.yaml").problems);
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
  expected.auth = {
      AuthKind::kTokenAuth, "harbor-robot", {}, false, {{"repository", "library/ubuntu"}}};
  expected.ca_secret_name = "harbor-ca";
  expected.upstream.token_realm = http::Url{expected.address, "/service/token", "service=x"};
  expected.upstream.redirects = {RedirectMode::kPass,
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

TEST(ValidateConnector, AllowsPlainHttpWhereItIsAskedFor) {
  EXPECT_EQ(Problems(Document("  address: http://r.example:5000\n  auth: {name: anonymous}\n"
                              "  upstream: {allowInsecureUpstream: true, tokenRealm: "
                              "'http://r.example/t'}\n")),
            "");
}

TEST(ValidateConnector, AllowsBasicAuthWhereItIsAccepted) {
  EXPECT_EQ(Problems(Document("  address: https://r.example\n"
                              "  auth: {name: basicAuth, secretRef: {name: s}, allowStatic: "
                              "true}\n")),
            "");
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
  const UpstreamDefaults shared{
      RedirectMode::kPass, {"h.example"}, 7, std::chrono::seconds(1), std::chrono::seconds(2)};

  const Connector connector = ApplyClass(documents.connectors[0].draft, {"oci", {}, shared});

  EXPECT_EQ(connector.upstream.redirects, (Redirects{RedirectMode::kFollow, {"h.example"}}));
  EXPECT_EQ(connector.upstream.limits,
            (Limits{7, std::chrono::seconds(1), std::chrono::seconds(9)}));
}

struct Refused {
  std::string_view name;
  std::string text;
  std::string problem;  // As Format prints it.

  friend void PrintTo(const Refused& row, std::ostream* os) { *os << row.name; }
};

class ValidateRefuses : public ::testing::TestWithParam<Refused> {};

TEST_P(ValidateRefuses, WithFileLinePathReasonAndWhatToWrite) {
  EXPECT_EQ(Problems(GetParam().text), GetParam().problem);
}

const auto kNameOfRow = [](const auto& row) { return std::string(row.param.name); };

Refused Address(std::string_view name, const std::string& value, std::string_view problem) {
  return {name,
          Document("  address: " + value + "\n  auth: {name: anonymous}\n"),
          "f.yaml:5: spec.address: " + std::string(problem)};
}

INSTANTIATE_TEST_SUITE_P(
    Address,
    ValidateRefuses,
    ::testing::Values(
        Address("NoScheme", "harbor.example.com", "has no scheme; write https://HOST[:PORT]"),
        Address("NoSchemeButAPort",
                "harbor.example.com:5000",
                "has no scheme; write https://HOST[:PORT]"),
        Address("APath",
                "https://Harbor.example.com/v2",
                "has a path or a query; write https://harbor.example.com (a repository's prefix "
                "belongs into the image's name)"),
        Address("PlainHttpWithoutConsent",
                "http://r.example",
                "is plain http; write https, or set spec.upstream.allowInsecureUpstream: true if "
                "credentials may travel unprotected"),
        Address("AnotherScheme",
                "ftp://r.example",
                "is not an address: the scheme must be https or http; write https://HOST[:PORT]"),
        Address("UserInformation",
                "https://u:hunter2@r.example",
                "is not an address: user information before '@' is not allowed; write "
                "https://HOST[:PORT]"),
        Address("TheWebSiteOfDockerHub",
                "https://docker.io",
                "is not where Docker Hub serves images; write https://registry-1.docker.io")),
    kNameOfRow);

Refused Auth(std::string_view name, const std::string& auth, std::string_view problem) {
  return {name,
          Document("  address: https://r.example\n  auth: " + auth + "\n"),
          "f.yaml:6: spec.auth" + std::string(problem)};
}

INSTANTIATE_TEST_SUITE_P(
    Auth,
    ValidateRefuses,
    ::testing::Values(
        Auth("TokenAuthWithoutASecret",
             "{name: tokenAuth}",
             ".secretRef: is missing; add secretRef: {name: SECRET} or vaultRef: {path: PATH}, or "
             "write name: anonymous for a registry that asks for no credential"),
        Auth("BasicAuthWithoutASecret",
             "{name: basicAuth, allowStatic: true}",
             ".secretRef: is missing; add secretRef: {name: SECRET} or vaultRef: {path: PATH}, or "
             "write name: anonymous for a registry that asks for no credential"),
        Auth("BasicAuthWithoutConsent",
             "{name: basicAuth, secretRef: {name: s}}",
             ".allowStatic: basicAuth is of the class static: the password itself must reach the "
             "memory of every data plane; use tokenAuth, or accept it by writing allowStatic: "
             "true"),
        Auth("AnonymousWithASecret",
             "{name: anonymous, secretRef: {name: s}}",
             ".secretRef: is never read with anonymous; remove it, or write name: tokenAuth"),
        Auth("AnonymousWithAVaultReference",
             "{name: anonymous, vaultRef: {path: secret/data/x}}",
             ".vaultRef: is never read with anonymous; remove it, or write name: tokenAuth"),
        Auth("BothReferences",
             "{name: tokenAuth, secretRef: {name: s}, vaultRef: {path: secret/data/x}}",
             ".vaultRef: excludes secretRef; keep one of them"),
        Auth("AVaultReferenceWithoutAPath",
             "{name: tokenAuth, vaultRef: {usernameKey: u}}",
             ".vaultRef.path: is missing; add it"),
        Auth("AVaultPathThatLeavesItsPrefix",
             "{name: tokenAuth, vaultRef: {path: secret/data/../x}}",
             ".vaultRef.path: has a segment of dots alone; write the path of Vault's API, such as "
             "secret/data/ci/harbor"),
        Auth("AVaultPathThatIsAUrl",
             "{name: tokenAuth, vaultRef: {path: v1/secret/data/x}}",
             ".vaultRef.path: starts with v1/; write the path without it; write the path of "
             "Vault's API, such as secret/data/ci/harbor"),
        Auth("AVaultNamespaceWithASpace",
             "{name: tokenAuth, vaultRef: {path: secret/data/x, namespace: 'a b'}}",
             ".vaultRef.namespace: holds a character that is not a letter, a digit or one of "
             "._~@+=:-; write one such as admin/team-a"),
        Auth("AVaultReferenceWithTwoShapes",
             "{name: tokenAuth, vaultRef: {path: a/b, dockerConfigKey: c, passwordKey: p}}",
             ".vaultRef.dockerConfigKey: excludes usernameKey and passwordKey; keep the one or the "
             "other"),
        Auth("Ecr",
             "{name: ecr}",
             ".name: is not supported by this release (ecr, gar and acr are not yet); write "
             "tokenAuth, basicAuth or anonymous"),
        Auth("Gar",
             "{name: gar, secretRef: {name: s}}",
             ".name: is not supported by this release (ecr, gar and acr are not yet); write "
             "tokenAuth, basicAuth or anonymous"),
        Auth("Acr",
             "{name: acr}",
             ".name: is not supported by this release (ecr, gar and acr are not yet); write "
             "tokenAuth, basicAuth or anonymous"),
        Auth("ASecretOfAnotherNamespace",
             "{name: tokenAuth, secretRef: {name: s, namespace: other}}",
             ".secretRef.namespace: unknown key; known here: name"),
        Auth("ASecretNameWithASlash",
             "{name: tokenAuth, secretRef: {name: other/s}}",
             ".secretRef.name: is not a Secret's name; write lower-case letters, digits and '-', "
             "such as harbor"),
        Auth("AnUnknownParameter",
             "{name: anonymous, params: [{name: repo, value: a}]}",
             ".params[0].name: is not a known parameter; write repository"),
        Auth("AParameterTwice",
             "{name: anonymous, params: [{name: repository, value: a}, {name: repository, value: "
             "b}]}",
             ".params[1].name: is given twice; keep one of them"),
        Auth("AParameterThatIsNoRepository",
             "{name: anonymous, params: [{name: repository, value: 'a:latest'}]}",
             ".params[0].value: is not a repository name; write it without host and tag, such as "
             "library/ubuntu")),
    kNameOfRow);

Refused Upstream(std::string_view name, const std::string& upstream, std::string_view problem) {
  return {name,
          Document("  address: https://r.example\n  auth: {name: anonymous}\n  upstream: " +
                   upstream + "\n"),
          "f.yaml:7: spec.upstream" + std::string(problem)};
}

Refused RedirectHost(std::string_view name, const std::string& host) {
  return Upstream(name,
                  "{redirects: {hosts: [a.example, '" + host + "']}}",
                  ".redirects.hosts[1]: is not a host; write a DNS name, *.SUFFIX or an IP "
                  "address, without scheme, port and path");
}

INSTANTIATE_TEST_SUITE_P(
    Upstream,
    ValidateRefuses,
    ::testing::Values(
        Upstream("ARealmThatIsNoUrl",
                 "{tokenRealm: r.example/token}",
                 ".tokenRealm: is not a URL: the URL has no scheme; write https://HOST; write for "
                 "example https://HOST/service/token"),
        Upstream("APlainHttpRealm",
                 "{tokenRealm: 'http://r.example/token'}",
                 ".tokenRealm: is plain http, and receives the stored password; write https, or "
                 "set spec.upstream.allowInsecureUpstream: true"),
        RedirectHost("ARedirectHostWithAScheme", "https://b.example"),
        RedirectHost("ARedirectHostWithAPort", "b.example:443"),
        RedirectHost("ARedirectHostWithAPath", "b.example/x"),
        RedirectHost("AnAddressWithAPort", "[::1]:443"),
        RedirectHost("AStarAlone", "*"),
        RedirectHost("AStarAndAPoint", "*."),
        RedirectHost("AStarInside", "a*.example"),
        RedirectHost("TwoStars", "*.*.example"),
        RedirectHost("AStarBeforeAnAddress", "*.[::1]"),
        RedirectHost("AnEmptyRedirectHost", ""),
        RedirectHost("AUserName", "u@b.example"),
        Upstream("NoConcurrentRequests",
                 "{limits: {maxConcurrentRequests: 0}}",
                 ".limits.maxConcurrentRequests: is zero, so that nothing could pass; write at "
                 "least 1"),
        Upstream("NoTimeToConnect",
                 "{limits: {connectTimeout: 0s}}",
                 ".limits.connectTimeout: is zero; write at least 1ms, or remove the key for the "
                 "default"),
        Upstream("LessThanAMillisecond",
                 "{limits: {idleTimeout: 999us}}",
                 ".limits.idleTimeout: is zero; write at least 1ms, or remove the key for the "
                 "default"),
        Upstream("MoreThanADay",
                 "{limits: {idleTimeout: 24h1ms}}",
                 ".limits.idleTimeout: is longer than a day; write at most 24h")),
    kNameOfRow);

// A rule that lacks one part, on line 8.
Refused Rule(std::string_view name, const std::string& rule, std::string_view problem) {
  return {name,
          Document("  address: https://r.example\n  auth: {name: anonymous}\n  access:\n  - " +
                   rule + "\n"),
          "f.yaml:8: spec.access[0]" + std::string(problem)};
}

Refused From(std::string_view name, const std::string& subject, std::string_view problem) {
  return Rule(name,
              "{from: [" + subject + "], repositories: [a], actions: [pull]}",
              ".from[0]" + std::string(problem));
}

Refused Pattern(std::string_view name, const std::string& pattern) {
  return Rule(name,
              "{from: [{namespace: a}], repositories: [a, '" + pattern + "'], actions: [pull]}",
              ".repositories[1]: can never match: no repository has such a name; write components "
              "of lower-case letters, digits, '.', '_' and '-', '*' for a part of one, '**' for "
              "any number, such as team-a/**");
}

INSTANTIATE_TEST_SUITE_P(
    RuleThatCanNeverMatch,
    ValidateRefuses,
    ::testing::Values(
        Rule("Nobody",
             "{from: [], repositories: [a], actions: [pull]}",
             ".from: is empty; give it a value"),
        Rule("NoRepositories",
             "{from: [{namespace: a}], repositories: [], actions: [pull]}",
             ".repositories: is empty; give it a value"),
        Rule("NoActions",
             "{from: [{namespace: a}], repositories: [a], actions: []}",
             ".actions: is empty; give it a value"),
        Rule("AnUnknownAction",
             "{from: [{namespace: a}], repositories: [a], actions: [write]}",
             ".actions[0]: is not one of the known values; write one of: pull, push, delete"),
        Rule("PushWithoutPull",
             "{from: [{namespace: a}], repositories: [a], actions: [push, delete]}",
             ".actions: push can never match without pull, since a push also reads; write [pull, "
             "push]"),
        Rule("AnUpperCasePattern",
             "{from: [{namespace: a}], repositories: [Team-A/**], actions: [pull]}",
             ".repositories[0]: can never match: repository names are lower case; write "
             "team-a/**"),
        Pattern("ADoubleSlash", "a//b"),
        Pattern("ALeadingSlash", "/a"),
        Pattern("ATag", "a:v1"),
        Pattern("TwoStarsInsideAComponent", "a**"),
        Pattern("AnEmptyPattern", ""),
        From("AnEmptySubject",
             "{}",
             ": names nobody, so the rule can never match; write serviceAccount, namespace or "
             "oidc"),
        From("AServiceAccountNameThatIsNone",
             "{serviceAccount: {namespace: ci, name: Builder}}",
             ".serviceAccount.name: can never match: it is not a service account's name; write "
             "lower-case letters, digits, '-' and '.'"),
        From("AServiceAccountWithoutANamespace",
             "{serviceAccount: {name: builder}}",
             ".serviceAccount.namespace: is missing; add it"),
        From("AServiceAccountOfANamespaceThatIsNone",
             "{serviceAccount: {namespace: a/b, name: builder}}",
             ".serviceAccount.namespace: is not a namespace name; write lower-case letters, digits "
             "and '-', at most 63"),
        From("ANamespacePattern",
             "{namespace: 'team-*'}",
             ".namespace: is not a namespace name; write lower-case letters, digits and '-', at "
             "most 63"),
        From("OidcWithoutClaims",
             "{oidc: {issuer: 'https://i.example', claims: {}}}",
             ".oidc.claims: is empty; give it a value"),
        From("AnEmptyClaim",
             "{oidc: {issuer: 'https://i.example', claims: {sub: ''}}}",
             ".oidc.claims.sub: can never match: a claim needs a name and a value"),
        From("AnIssuerThatIsNoUrl",
             "{oidc: {issuer: i.example, claims: {sub: a}}}",
             ".oidc.issuer: can never match: it is not a URL; write the token's iss, such as "
             "https://token.example.com")),
    kNameOfRow);

Refused Metadata(std::string_view name, const std::string& metadata, std::string_view problem) {
  return {name,
          "apiVersion: oci-connector.dev/v1alpha1\nkind: Connector\nmetadata: " + metadata +
              "\nspec: {address: 'https://r.example', auth: {name: anonymous}}\n",
          "f.yaml:3: metadata" + std::string(problem)};
}

INSTANTIATE_TEST_SUITE_P(
    Metadata,
    ValidateRefuses,
    ::testing::Values(
        Metadata("ANameThatIsNoLabel",
                 "{name: harbor.x}",
                 ".name: is not a DNS label; write lower-case letters, digits and '-', such as "
                 "harbor"),
        Metadata("ANameTooLongForItsHost",
                 "{name: " + std::string(62, 'a') + "}",
                 ".name: is too long for its host name c-NAME, which is one DNS label; write at "
                 "most 61 characters"),
        Metadata("ANamespaceThatIsNone",
                 "{name: harbor, namespace: Team}",
                 ".namespace: is not a namespace name; write lower-case letters, digits and '-', "
                 "such as harbor"),
        Metadata("NoName", "{namespace: a}", ".name: is missing; add it")),
    kNameOfRow);

TEST(ValidateConnector, AcceptsTheLongestName) {
  EXPECT_EQ(Problems("apiVersion: oci-connector.dev/v1alpha1\nkind: Connector\nmetadata: {name: " +
                     std::string(61, 'a') +
                     "}\nspec: {address: 'https://r.example', auth: {name: anonymous}}\n"),
            "");
}

INSTANTIATE_TEST_SUITE_P(
    Spec,
    ValidateRefuses,
    ::testing::Values(
        Refused{"NoAuth",
                Document("  address: https://r.example\n"),
                "f.yaml:4: spec.auth: is missing; write {name: tokenAuth, secretRef: {name: "
                "SECRET}}, or {name: anonymous} for a registry that asks for no credential"},
        Refused{"NoAddress",
                Document("  auth: {name: anonymous}\n"),
                "f.yaml:4: spec.address: is missing; add it"},
        Refused{"AnAddressOfAnotherTypeOnceOnly",
                Document("  address: [https://r.example]\n  auth: {name: anonymous}\n"),
                "f.yaml:5: spec.address: is a list; write a single value"},
        Refused{"ACaSecretNameThatIsNone",
                Document("  address: https://r.example\n  auth: {name: anonymous}\n"
                         "  caCertSecretRef: {name: A}\n"),
                "f.yaml:7: spec.caCertSecretRef.name: is not a Secret's name; write lower-case "
                "letters, digits and '-', such as harbor"},
        Refused{"ProblemsOfTypesAndOfRulesTogether",
                Document("  address: r.example\n  authh: x\n"),
                "f.yaml:4: spec.auth: is missing; write {name: tokenAuth, secretRef: {name: "
                "SECRET}}, or {name: anonymous} for a registry that asks for no credential\n"
                "f.yaml:5: spec.address: has no scheme; write https://HOST[:PORT]\n"
                "f.yaml:6: spec.authh: unknown key; did you mean auth?"}),
    kNameOfRow);

}  // namespace
}  // namespace connector::resource
