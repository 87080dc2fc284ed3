#include "common/resource/directory.h"

#include "tests/support/cpp/ca_pem.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/scratch_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace connector::resource {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing_support::HasError;
using testing_support::MakeCaPem;

std::string ConnectorDocument(std::string_view name, std::string_view spec) {
  return "apiVersion: oci-connector.dev/v1alpha1\nkind: Connector\nmetadata: {name: " +
         std::string(name) + "}\nspec:\n  address: https://r.example\n" + std::string(spec) + "\n";
}

std::string SecretDocument(std::string_view name, std::string_view data) {
  return "apiVersion: v1\nkind: Secret\nmetadata: {name: " + std::string(name) +
         "}\nstringData: " + std::string(data) + "\n";
}

DirectoryContent Load(const std::vector<std::pair<std::string, std::string>>& files) {
  std::vector<FileDocuments> parsed;
  for (const auto& [name, text] : files) {
    parsed.push_back(ParseDocuments(text, name));
  }
  return Assemble(std::move(parsed));
}

std::string Problems(const std::vector<std::pair<std::string, std::string>>& files) {
  return config::Format(Load(files).problems);
}

constexpr std::string_view kAnonymous = "  auth: {name: anonymous}";
constexpr std::string_view kToken = "  auth: {name: tokenAuth, secretRef: {name: s}}";
constexpr std::string_view kCa = "  auth: {name: anonymous}\n  caCertSecretRef: {name: ca}";

std::string CaSecret(const std::string& pem) {
  std::string folded = "\n  ca.crt: |\n";
  std::size_t start = 0;
  while (start < pem.size()) {
    const std::size_t end = std::min(pem.find('\n', start), pem.size());
    folded += "    " + pem.substr(start, end - start) + "\n";
    start = end + 1;
  }
  return SecretDocument("ca", folded);
}

TEST(Assemble, FindsSecretsInOtherFiles) {
  EXPECT_EQ(Problems({{"a.yaml", ConnectorDocument("a", kToken)},
                      {"b.yaml", SecretDocument("s", "{username: u, password: p}")},
                      {"c.yaml", ConnectorDocument("c", kCa)},
                      {"d.yaml", CaSecret(MakeCaPem())}}),
            "");
}

struct Refused {
  std::string_view name;
  std::string connector;
  std::string secret;
  std::string problem;

  friend void PrintTo(const Refused& row, std::ostream* os) { *os << row.name; }
};

class AssembleReports : public ::testing::TestWithParam<Refused> {};

TEST_P(AssembleReports, WhatASecretLacksAndKeepsTheConnector) {
  const DirectoryContent content = Load(
      {{"a.yaml", ConnectorDocument("a", GetParam().connector)}, {"s.yaml", GetParam().secret}});

  EXPECT_EQ(config::Format(content.problems), GetParam().problem);
  EXPECT_THAT(content.connectors, SizeIs(1));
  EXPECT_THAT(content.broken, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Secrets,
    AssembleReports,
    ::testing::Values(
        Refused{"AMissingSecret",
                std::string(kToken),
                SecretDocument("other", "{username: u, password: p}"),
                "a.yaml:6: spec.auth.secretRef.name: there is no Secret default/s; add it (in the "
                "Connector's own namespace)"},
        Refused{"ASecretOfAnotherNamespace",
                std::string(kToken),
                "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: team}\n"
                "stringData: {username: u, password: p}\n",
                "a.yaml:6: spec.auth.secretRef.name: there is no Secret default/s; add it (in the "
                "Connector's own namespace)"},
        Refused{"ASecretWithoutAPassword",
                std::string(kToken),
                SecretDocument("s", "{username: u}"),
                "a.yaml:6: spec.auth.secretRef.name: the Secret default/s lacks the key password; "
                "it needs username and password"},
        Refused{"ADockerConfigOfAnotherRegistry",
                std::string(kToken),
                "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"
                "type: kubernetes.io/dockerconfigjson\n"
                "stringData: {.dockerconfigjson: '{\"auths\": {}}'}\n",
                "a.yaml:6: spec.auth.secretRef.name: the Secret default/s has no entry for "
                "r.example under auths in the key .dockerconfigjson"},
        Refused{"AMissingCaSecret",
                std::string(kCa),
                SecretDocument("other", "{a: b}"),
                "a.yaml:7: spec.caCertSecretRef.name: there is no Secret default/ca; add it (in "
                "the Connector's own namespace)"},
        Refused{"ACaSecretWithoutItsKey",
                std::string(kCa),
                SecretDocument("ca", "{tls.crt: b}"),
                "a.yaml:7: spec.caCertSecretRef.name: the Secret default/ca lacks the key ca.crt; "
                "add it with a PEM bundle"},
        Refused{"ACaThatDoesNotParse",
                std::string(kCa),
                SecretDocument("ca", "{ca.crt: nonsense}"),
                "a.yaml:7: spec.caCertSecretRef.name: the key ca.crt of the Secret default/ca "
                "holds no certificate; write PEM, that is a block that begins with -----BEGIN "
                "CERTIFICATE-----"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Assemble, UsesNeitherOfTwoConnectorsWithOneName) {
  const DirectoryContent content = Load({{"a.yaml", ConnectorDocument("a", kAnonymous)},
                                         {"b.yaml", "\n" + ConnectorDocument("a", kAnonymous)}});

  EXPECT_EQ(config::Format(content.problems),
            "b.yaml:4: metadata.name: the name is taken by the one at a.yaml:3; rename or remove "
            "one of them (neither is used)");
  EXPECT_THAT(content.connectors, IsEmpty());
  EXPECT_THAT(content.broken, ElementsAre(ResourceId{Kind::kConnector, "default", "a"}));
}

TEST(Assemble, TakesOneNameInTwoNamespacesForTwoConnectors) {
  EXPECT_THAT(Load({{"a.yaml", ConnectorDocument("a", kAnonymous)},
                    {"b.yaml", ConnectorDocument("a, namespace: team", kAnonymous)}})
                  .connectors,
              SizeIs(2));
}

TEST(Assemble, UsesNeitherOfTwoSecretsWithOneName) {
  const std::string secret = SecretDocument("s", "{username: u, password: p}");
  const DirectoryContent content =
      Load({{"a.yaml", ConnectorDocument("a", kToken)}, {"b.yaml", secret + "---\n" + secret}});

  EXPECT_EQ(config::Format(content.problems),
            "b.yaml:8: metadata.name: the name is taken by the one at b.yaml:3; rename or remove "
            "one of them (neither is used)")
      << "and the connector is not blamed a second time";
  EXPECT_THAT(content.secrets, IsEmpty());
}

TEST(Assemble, DoesNotBlameAConnectorForABrokenSecret) {
  EXPECT_EQ(Problems({{"a.yaml", ConnectorDocument("a", kToken)},
                      {"s.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nx: y\n"}}),
            "s.yaml:4: x: unknown key; known here: apiVersion, kind, metadata, type, data, "
            "stringData, immutable");
}

std::string Class(std::string_view name, std::string_view spec) {
  return "apiVersion: oci-connector.dev/v1alpha1\nkind: ConnectorClass\nmetadata: {name: " +
         std::string(name) + "}\nspec: " + std::string(spec) + "\n";
}

TEST(Assemble, LooksForNoSecretsWhereTheyAreElsewhere) {
  std::vector<FileDocuments> files;
  files.push_back(ParseDocuments(ConnectorDocument("c", kToken), "a.yaml"));
  files.push_back(ParseDocuments(ConnectorDocument("d", kCa), "b.yaml"));

  const DirectoryContent content = Assemble(std::move(files), SecretSource::kElsewhere);

  EXPECT_THAT(content.problems, IsEmpty());
  EXPECT_THAT(content.connectors, SizeIs(2));
}

TEST(Assemble, RefusesAConnectorOfAnUnknownClass) {
  const DirectoryContent content = Load(
      {{"a.yaml", ConnectorDocument("a", std::string(kAnonymous) + "\n  connectorClassName: x")}});

  EXPECT_EQ(config::Format(content.problems),
            "a.yaml:7: spec.connectorClassName: there is no ConnectorClass x; remove the key for "
            "oci, or add the class");
  EXPECT_THAT(content.connectors, IsEmpty());
  EXPECT_THAT(content.broken, ElementsAre(ResourceId{Kind::kConnector, "default", "a"}));
}

TEST(Assemble, RefusesAnAuthThatTheClassDoesNotAllow) {
  const DirectoryContent content =
      Load({{"a.yaml", ConnectorDocument("a", kAnonymous)},
            {"c.yaml", Class("oci", "{allowedAuthNames: [tokenAuth, basicAuth]}")}});

  EXPECT_EQ(config::Format(content.problems),
            "a.yaml:6: spec.auth.name: is not allowed by the ConnectorClass oci; write one of: "
            "tokenAuth, basicAuth");
  EXPECT_THAT(content.connectors, IsEmpty());
  EXPECT_THAT(content.broken, ElementsAre(ResourceId{Kind::kConnector, "default", "a"}));
}

TEST(Assemble, AppliesTheClassOfAConnector) {
  const DirectoryContent content = Load(
      {{"a.yaml", ConnectorDocument("a", std::string(kAnonymous) + "\n  connectorClassName: slow")},
       {"b.yaml", ConnectorDocument("b", kAnonymous)},
       {"c.yaml", Class("slow", "{upstream: {limits: {idleTimeout: 9s}}}")}});

  ASSERT_EQ(config::Format(content.problems), "");
  EXPECT_EQ(content.connectors.at({"default", "a"}).connector->upstream.limits.idle_timeout,
            std::chrono::seconds(9));
  EXPECT_EQ(content.connectors.at({"default", "b"}).connector->upstream.limits.idle_timeout,
            std::chrono::seconds(60));
}

TEST(Assemble, LetsAClassRequireTheAudienceOfAConnector) {
  const std::string own = std::string(kAnonymous) + "\n  requireConnectorAudience: true";
  const auto required = [](std::string_view spec, const std::string& of_class) {
    const DirectoryContent content =
        Load({{"a.yaml", ConnectorDocument("a", spec)}, {"c.yaml", Class("oci", of_class)}});
    EXPECT_EQ(config::Format(content.problems), "");
    return content.connectors.at({"default", "a"}).connector->require_connector_audience;
  };
  EXPECT_FALSE(required(kAnonymous, "{requireConnectorAudience: false}"));
  EXPECT_TRUE(required(kAnonymous, "{requireConnectorAudience: true}"));
  EXPECT_TRUE(required(own, "{requireConnectorAudience: false}")) << "it only takes away";
}

TEST(Assemble, ReportsWhereAClassDoesNotLeadAndKeepsTheConnector) {
  const std::string realm =
      std::string(kAnonymous) + "\n  upstream: {tokenRealm: \"https://sts.example/token\"}";
  const DirectoryContent content =
      Load({{"a.yaml", ConnectorDocument("a", realm)},
            {"c.yaml",
             Class("oci",
                   "{upstreamPolicy: {rules: [{namespaces: [elsewhere], hosts: [\"*.example\"]}, "
                   "{namespaces: [default], hosts: [sts.example]}]}}")}});

  EXPECT_THAT(config::Format(content.problems),
              HasSubstr("spec.address: the platform does not let Connectors of namespace default "
                        "reach r.example; ask its operators for a rule of the ConnectorClass's "
                        "upstreamPolicy with hosts: [r.example]"));
  EXPECT_THAT(content.problems, SizeIs(1));
  EXPECT_THAT(content.broken, IsEmpty()) << "the last good version would go there";
  const auto& connector = content.connectors.at({"default", "a"}).connector;
  ASSERT_NE(connector->class_policy.value, nullptr);
  EXPECT_THAT(connector->class_policy.value->rules, SizeIs(2));
}

TEST(Assemble, SaysWhatIsWrongWithThePolicyOfAClass) {
  const DirectoryContent content = Load(
      {{"c.yaml",
        Class("oci",
              "{upstreamPolicy: {unlisted: all, rules: [{namespaces: [a], hosts: [\"a:1\"]}]}}")}});

  EXPECT_THAT(config::Format(content.problems),
              AllOf(HasSubstr("spec.upstreamPolicy.unlisted: must be none, public or local"),
                    HasSubstr("spec.upstreamPolicy.rules[0].hosts[0]: is not a name")));
}

TEST(Assemble, DoesNotFallBackToTheBuiltInClassWhenItsFileIsBroken) {
  const DirectoryContent content =
      Load({{"a.yaml", ConnectorDocument("a", kAnonymous)}, {"c.yaml", Class("oci", "{x: y}")}});

  EXPECT_THAT(content.connectors, IsEmpty());
  EXPECT_THAT(config::Format(content.problems),
              HasSubstr("a.yaml:4: spec.connectorClassName: the ConnectorClass oci has problems of "
                        "its own; correct them first"));
}

TEST(Assemble, NamesTheFilesInWhichSomethingCannotBeIdentified) {
  EXPECT_THAT(
      Load({{"a.yaml", "a: ["}, {"b.yaml", ConnectorDocument("b", kAnonymous)}}).unreadable_files,
      ElementsAre("a.yaml"));
}

class LoadPathsTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ + "/" + name) << text;
  }

  testing_support::ScratchDir scratch_;
  const std::string path_ = scratch_.path();
};

TEST_F(LoadPathsTest, ReadsYamlFilesAndNoOthers) {
  std::filesystem::create_directories(path_ + "/folder.yaml");
  std::filesystem::create_directories(path_ + "/..data");
  Write("a.yaml", ConnectorDocument("a", kAnonymous));
  Write("b.yml", ConnectorDocument("b", kAnonymous));
  Write("..data/c", ConnectorDocument("c", kAnonymous));
  std::filesystem::create_symlink("..data/c", path_ + "/c.yaml");
  for (const char* name :
       {".hidden.yaml", "a.yaml~", "a.yaml.bak", "README", "folder.yaml/d.yaml"}) {
    Write(name, "broken: [");
  }

  const Result<DirectoryContent> content = LoadPaths({path_});

  ASSERT_TRUE(content.has_value());
  EXPECT_EQ(config::Format(content->problems), "");
  EXPECT_THAT(content->connectors, SizeIs(3));
  EXPECT_EQ(content->connectors.at({"default", "a"}).file, path_ + "/a.yaml");
}

TEST_F(LoadPathsTest, ReportsALinkToNowhere) {
  std::filesystem::create_symlink("absent", path_ + "/a.yaml");

  const Result<DirectoryContent> content = LoadPaths({path_});

  ASSERT_TRUE(content.has_value());
  EXPECT_EQ(config::Format(content->problems), path_ + "/a.yaml: does not exist; check the path");
  EXPECT_THAT(content->unreadable_files, ElementsAre(path_ + "/a.yaml"));
}

// Several threads read them.
TEST_F(LoadPathsTest, KeepsTheOrderOfManyFiles) {
  std::vector<std::string> paths;
  std::vector<std::string> found;
  for (int i = 0; i < 200; ++i) {
    const std::string name = "c" + std::to_string(i);
    Write(name + ".yaml", ConnectorDocument(name, kAnonymous));
    paths.push_back(path_ + "/" + name + ".yaml");
  }

  for (const FileDocuments& file : ReadResourceFiles(paths)) {
    found.push_back(file.file);
    EXPECT_THAT(file.connectors, SizeIs(1)) << file.file;
  }

  EXPECT_EQ(found, paths);
}

TEST_F(LoadPathsTest, FailsWithoutItsDirectory) {
  EXPECT_THAT(ListResourceFiles(path_ + "/absent"), HasError(ErrorCode::kUnavailable));
}

TEST_F(LoadPathsTest, TakesFilesOneByOneAsWell) {
  Write("a.yaml", ConnectorDocument("a", kToken));
  Write("s", SecretDocument("s", "{username: u, password: p}"));

  const Result<DirectoryContent> content = LoadPaths({path_, path_ + "/s"});

  ASSERT_TRUE(content.has_value());
  EXPECT_EQ(config::Format(content->problems), "");
}

}  // namespace
}  // namespace connector::resource
