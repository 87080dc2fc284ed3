#include "common/config/yaml.h"

#include "tests/support/cpp/scratch_dir.h"

#include "proto/connector/config/v1/broker.pb.h"
#include "proto/connector/config/v1/dataplane.pb.h"
#include "proto/connector/config/v1/resource.pb.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <fstream>
#include <ostream>
#include <string>
#include <string_view>

namespace connector::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr std::string_view kDataplane = R"(
listeners:
- address: 127.0.0.1:8080
- address: "[::1]:8443"
  tls: {certificateFile: /pki/tls.crt, keyFile: /pki/tls.key}
adminAddress: 127.0.0.1:9090
broker:
  address: localhost:7443
  caFile: /pki/ca.crt
  certificateFile: /pki/dataplane.crt
  keyFile: /pki/dataplane.key
  timeout: 1m30s
threads: 2
limits: {headTimeout: 250ms}
)";

TEST(LoadYaml, FillsEveryKindOfField) {
  v1::DataplaneConfig config;

  ASSERT_THAT(LoadYaml(kDataplane, "dataplane.yaml", config), IsEmpty());

  EXPECT_EQ(config.listeners(1).tls().key_file(), "/pki/tls.key");
  EXPECT_FALSE(config.listeners(0).has_tls());
  EXPECT_EQ(config.broker().timeout().seconds(), 90);
  EXPECT_EQ(config.limits().head_timeout().nanos(), 250'000'000);
  EXPECT_EQ(config.threads(), 2);
}

TEST(LoadYaml, FillsBooleansMapsEnumsAndOneofs) {
  v1::ConnectorSpec spec;

  ASSERT_THAT(LoadYaml(R"(
address: https://r.example
auth: {name: basicAuth, allowStatic: true}
upstream: {limits: {maxConcurrentRequests: 0}}
access:
- from:
  - oidc: {issuer: https://i.example, claims: {repository: org/app, "on": "true"}}
  repositories: ["**"]
  actions: [pull, push]
)",
                       "f",
                       spec),
              IsEmpty());

  EXPECT_EQ(spec.auth().name(), v1::AUTH_NAME_BASIC_AUTH);
  EXPECT_TRUE(spec.auth().allow_static());
  EXPECT_TRUE(spec.upstream().limits().has_max_concurrent_requests()) << "zero is not absent";
  EXPECT_THAT(spec.access(0).actions(),
              ElementsAre(v1::ACCESS_ACTION_PULL, v1::ACCESS_ACTION_PUSH));
  EXPECT_EQ(spec.access(0).from(0).oidc().claims().at("on"), "true");
}

TEST(LoadYaml, CountsCharactersAndNotBytesWhereTextIsBounded) {
  v1::ConnectorSpec spec;
  std::string text = "address: a\nconnectorClassName: ";
  for (int i = 0; i < 253; ++i) {
    text += "\u00e9";
  }

  EXPECT_THAT(LoadYaml(text, "f.yaml", spec), IsEmpty());
}

struct RefusedDocument {
  std::string_view name;
  std::string text;
  std::string problem;  // As Format prints it.

  friend void PrintTo(const RefusedDocument& row, std::ostream* os) { *os << row.name; }
};

class LoadYamlRefuses : public ::testing::TestWithParam<RefusedDocument> {};

TEST_P(LoadYamlRefuses, WithFileLinePathAndWhatToWrite) {
  v1::ConnectorSpec spec;
  EXPECT_EQ(Format(LoadYaml("address: https://r.example\n" + GetParam().text, "f.yaml", spec)),
            GetParam().problem);
}

INSTANTIATE_TEST_SUITE_P(
    Document,
    LoadYamlRefuses,
    ::testing::Values(
        RefusedDocument{"AnUnknownKeyWithTheNearestOne",
                        "auth: {name: ecr, secretref: {name: a}}",
                        "f.yaml:2: auth.secretref: unknown key; did you mean secretRef?"},
        RefusedDocument{"AnUnknownKeyWithTheListWhenNoneIsNear",
                        "caCertSecretRef: {name: a, zzzzzz: b}",
                        "f.yaml:2: caCertSecretRef.zzzzzz: unknown key; known here: name"},
        RefusedDocument{"TheFieldNameOfTheSchemaInsteadOfTheKey",
                        "auth: {name: ecr, allow_static: true}",
                        "f.yaml:2: auth.allow_static: unknown key; did you mean allowStatic?"},
        RefusedDocument{"AKeyGivenTwice",
                        "connectorClassName: a\nconnectorClassName: b",
                        "f.yaml:3: connectorClassName: the key is given twice; keep one of them"},
        RefusedDocument{
            "AMapKeyGivenTwice",
            "access:\n- from: [{oidc: {issuer: i, claims: {a: b, a: c}}}]\n"
            "  repositories: [a]\n  actions: [pull]",
            "f.yaml:3: access[0].from[0].oidc.claims.a: the key is given twice; keep one of "
            "them"},
        RefusedDocument{"TextThatIsTooLong",
                        "connectorClassName: " + std::string(254, 'a'),
                        "f.yaml:2: connectorClassName: is longer than 253 characters; shorten it"},
        RefusedDocument{
            "ATextOfAListThatIsTooLong",
            "upstream: {redirects: {hosts: [a, " + std::string(256, 'a') + "]}}",
            "f.yaml:2: upstream.redirects.hosts[1]: is longer than 255 characters; shorten it"},
        RefusedDocument{
            "AValueOfAMappingThatIsTooLong",
            "access:\n- from: [{oidc: {issuer: i, claims: {b: " + std::string(1025, 'a') +
                "}}}]\n  repositories: [a]\n  actions: [pull]",
            "f.yaml:3: access[0].from[0].oidc.claims.b: is longer than 1024 characters; shorten "
            "it"},
        RefusedDocument{
            "MoreEntriesOfAListThanItsBound",
            "access:\n- from: [{namespace: a}]\n  repositories: [a]\n"
            "  actions: [pull, push, delete, pull]",
            "f.yaml:5: access[0].actions: has more than 3 entries; keep at most so many"},
        RefusedDocument{
            "MoreEntriesOfAMappingThanItsBound",
            "access:\n- from:\n  - oidc:\n      issuer: i\n      claims: {a: b, c: b, d: b, e: b, "
            "f: b, g: b, h: b, i: b, j: b, k: b, l: b, m: b, o: b, p: b, q: b, r: b, s: b}\n"
            "  repositories: [a]\n  actions: [pull]",
            "f.yaml:6: access[0].from[0].oidc.claims: has more than 16 entries; keep at most so "
            "many"},
        RefusedDocument{"AListWhereAMappingBelongs",
                        "auth: [a]",
                        "f.yaml:2: auth: is a list; write a mapping (key: value)"},
        RefusedDocument{"ASingleValueWhereAListBelongs",
                        "upstream:\n  redirects:\n    hosts: a.example",
                        "f.yaml:4: upstream.redirects.hosts: is a single value; write a list"},
        RefusedDocument{"AMappingWhereTextBelongs",
                        "connectorClassName: {a: b}",
                        "f.yaml:2: connectorClassName: is a mapping; write a single value"},
        RefusedDocument{
            "AListWhereAMapBelongs",
            "access:\n- from: [{oidc: {issuer: i, claims: [a]}}]\n"
            "  repositories: [a]\n  actions: [pull]",
            "f.yaml:3: access[0].from[0].oidc.claims: is a list; write a mapping (key: value)"},
        RefusedDocument{
            "AKeyWithoutAValue",
            "auth:",
            "f.yaml:2: auth: has no value; write a mapping (key: value), or remove the key"},
        RefusedDocument{
            "ANumberWhereTextBelongs",
            "connectorClassName: 12",
            "f.yaml:2: connectorClassName: is a number, a boolean or nothing to YAML; put it "
            "in quotes"},
        RefusedDocument{"ATextWhereABooleanBelongs",
                        "auth: {name: ecr, allowStatic: yes}",
                        "f.yaml:2: auth.allowStatic: is not a boolean; write true or false"},
        RefusedDocument{"AQuotedBoolean",
                        "auth: {name: ecr, allowStatic: \"true\"}",
                        "f.yaml:2: auth.allowStatic: is text; remove the quotes"},
        RefusedDocument{
            "ANegativeCount",
            "upstream: {limits: {maxConcurrentRequests: -1}}",
            "f.yaml:2: upstream.limits.maxConcurrentRequests: is not a whole number from 0 to "
            "4294967295"},
        RefusedDocument{
            "ANumberWithoutAUnit",
            "upstream: {limits: {idleTimeout: 5}}",
            "f.yaml:2: upstream.limits.idleTimeout: is not a duration; write for example "
            "250ms, 5s or 1m30s"},
        RefusedDocument{
            "AnUnknownEnumValue",
            "upstream: {redirects: {mode: folow}}",
            "f.yaml:2: upstream.redirects.mode: is not one of the known values; write one of: "
            "follow, pass"},
        RefusedDocument{
            "TheZeroValueOfAnEnum",
            "upstream: {redirects: {mode: unspecified}}",
            "f.yaml:2: upstream.redirects.mode: is not one of the known values; write one of: "
            "follow, pass"},
        RefusedDocument{"AMissingRequiredKey",
                        "caCertSecretRef: {}",
                        "f.yaml:2: caCertSecretRef.name: is missing; add it"},
        RefusedDocument{"AnEmptyRequiredText",
                        "caCertSecretRef: {name: \"\"}",
                        "f.yaml:2: caCertSecretRef.name: is empty; give it a value"},
        RefusedDocument{"AnEmptyRequiredList",
                        "access:\n- from: [{namespace: a}]\n  repositories: []\n  actions: [pull]",
                        "f.yaml:4: access[0].repositories: is empty; give it a value"},
        RefusedDocument{"AMissingKeyBesideAnUnknownOneOfTheSameBeginning",
                        "caCertSecretRef: {nameX: a}",
                        "f.yaml:2: caCertSecretRef.nameX: unknown key; did you mean name?\n"
                        "f.yaml:2: caCertSecretRef.name: is missing; add it"},
        RefusedDocument{"TwoMembersOfOneChoice",
                        "access:\n- from: [{namespace: a, oidc: {issuer: i, claims: {a: b}}}]\n"
                        "  repositories: [a]\n  actions: [pull]",
                        "f.yaml:3: access[0].from[0].oidc: excludes namespace; keep one of them"},
        RefusedDocument{
            "ASecondDocument",
            "---\na: b",
            "f.yaml:3: a second document; this file holds one, so remove `---` and what "
            "follows"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(LoadYaml, ReportsEveryProblemOfADocument) {
  v1::ConnectorSpec spec;
  EXPECT_THAT(LoadYaml("adress: x\nauth: {nam: ecr}\nconnectorClassName: 1\n", "f", spec),
              SizeIs(5));
}

TEST(LoadYaml, ReportsEveryRequiredKeyOfAnEmptyFile) {
  v1::BrokerConfig config;
  EXPECT_THAT(LoadYaml("# nothing\n", "f", config), SizeIs(8));
}

TEST(LoadYaml, RefusesAFileThatIsOneValue) {
  v1::BrokerConfig config;
  EXPECT_EQ(Format(LoadYaml("text", "f", config)),
            "f:1: is a single value; write a mapping (key: value)");
}

TEST(LoadYaml, DropsIgnoredFieldsOfAnyType) {
  v1::ResourceMetadata metadata;

  ASSERT_THAT(LoadYaml("name: a\nuid: 1\nlabels: {b: c}\nmanagedFields: [{d: 1}]\n"
                       "creationTimestamp: null\n",
                       "f",
                       metadata),
              IsEmpty());

  v1::ResourceMetadata expected;
  expected.set_name("a");
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(metadata, expected));
}

TEST(LoadYaml, NeverQuotesAText) {
  v1::Secret secret;
  const std::string report =
      Format(LoadYaml("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n"
                      "stringData: {password: 12345678, token: [hunter2]}\nimmutable: hunter2\n",
                      "f",
                      secret));
  EXPECT_THAT(report, Not(HasSubstr("12345678")));
  EXPECT_THAT(report, Not(HasSubstr("hunter2")));
  EXPECT_THAT(report, HasSubstr("stringData.password"));
}

TEST(LoadYaml, ShowsNoControlCharactersOfAKey) {
  v1::ConnectorSpec spec;
  EXPECT_THAT(Format(LoadYaml("address: a\n\"x\\e[0m\": b\n", "f", spec)), HasSubstr(": x?[0m: "));
}

TEST(LoadConfigFile, LoadsAFile) {
  const testing_support::ScratchDir scratch;
  const std::string path = scratch / "dataplane.yaml";
  std::ofstream(path) << kDataplane;
  v1::DataplaneConfig config;

  EXPECT_THAT(LoadConfigFile(path, config), IsEmpty());
  EXPECT_EQ(config.admin_address(), "127.0.0.1:9090");
}

TEST(LoadConfigFile, ReportsAFileThatIsNotThere) {
  v1::DataplaneConfig config;
  EXPECT_EQ(Format(LoadConfigFile("/nonexistent/x.yaml", config)),
            "/nonexistent/x.yaml: does not exist; check the path");
}

}  // namespace
}  // namespace connector::config
