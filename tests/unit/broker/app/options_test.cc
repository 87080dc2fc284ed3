#include "broker/app/options.h"

#include "tests/support/cpp/scratch_dir.h"
#include "tests/support/cpp/test_ca.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

namespace connector::broker::app {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing_support::ReplaceFile;

class OptionsTest : public ::testing::Test {
 protected:
  OptionsTest() {
    const auto server = ca_.Issue({.names = {"DNS:connector-broker"}});
    ReplaceFile(dir_ / "server.crt", server.certificate_pem);
    ReplaceFile(dir_ / "server.key", server.key_pem);
    ReplaceFile(dir_ / "other.key", ca_.Issue({}).key_pem);
    ReplaceFile(dir_ / "ca.crt", ca_.pem());
    ReplaceFile(dir_ / "root.key", std::string(32, 'r'));
    ReplaceFile(dir_ / "short.key", std::string(31, 'r'));
    ReplaceFile(dir_ / "empty", "");
  }
  // The smallest valid configuration; `changes` replaces the lines of some keys, or adds them.
  std::string Yaml(const std::map<std::string, std::string>& changes = {}) {
    std::map<std::string, std::string> lines = {
        {"adminAddress", "127.0.0.1:7444"},
        {"audit", "{directory: audit}"},
        {"identity", "{local: {issuer: \"https://local\", jwksFile: keys.json}}"},
        {"listenAddress", "127.0.0.1:7443"},
        {"peers", "{dataplanes: [\"spiffe://a/dataplane\"]}"},
        {"resources", "{directory: res}"},
        {"rootKeyFile", dir_ / "root.key"},
        {"tls", Tls("server.crt", "server.key", "ca.crt")},
    };
    for (const auto& [key, value] : changes) {
      lines[key] = value;
    }
    std::string text;
    for (const auto& [key, value] : lines) {
      text += key + ": " + value + "\n";
    }
    return text;
  }
  std::string Tls(const std::string& certificate, const std::string& key, const std::string& ca) {
    return "{certificateFile: " + dir_ / certificate + ", keyFile: " + dir_ / key +
           ", clientCaFile: " + dir_ / ca + "}";
  }
  // A connection by a kubeconfig that names `server`.
  std::string Kubeconfig(const std::string& server) {
    ReplaceFile(dir_ / "kubeconfig",
                "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n- name: k\n"
                "  cluster: {server: \"" +
                    server + "\", certificate-authority: " + dir_ / "ca.crt" +
                    "}\nusers:\n- name: u\n  user: {token: t}\ncontexts:\n- name: c\n"
                    "  context: {cluster: k, user: u}\n");
    return "{kubeconfigFile: " + dir_ / "kubeconfig" + "}";
  }
  std::vector<std::string> Problems(const std::map<std::string, std::string>& changes) {
    ReplaceFile(dir_ / "broker.yaml", Yaml(changes));
    BrokerOptions options;
    std::vector<std::string> texts;
    for (config::Problem problem : LoadOptions(dir_ / "broker.yaml", options)) {
      problem.file = "f";
      texts.push_back(config::Format(problem));
    }
    return texts;
  }

  testing_support::TestCa ca_;
  testing_support::ScratchDir dir_;
};

TEST_F(OptionsTest, FillInTheDefaults) {
  ReplaceFile(dir_ / "broker.yaml", Yaml());
  BrokerOptions options;
  ASSERT_THAT(LoadOptions(dir_ / "broker.yaml", options), IsEmpty());

  EXPECT_EQ(options.callers.audience, "oci-connector");
  EXPECT_EQ(options.audit.max_file_age, std::chrono::hours(24));
  EXPECT_EQ(options.log_level, log::Level::kInfo);
  EXPECT_EQ(options.root_keys->current().Reveal(), std::string(32, 'r'));
  EXPECT_EQ(options.root_keys->all().size(), 1U);
  EXPECT_EQ(options.peers.dataplanes, std::vector<std::string>{"spiffe://a/dataplane"});
  EXPECT_THAT(options.peers.operators, IsEmpty());
}

TEST_F(OptionsTest, RefuseAPeerThatMightMeanMoreThanItSays) {
  EXPECT_THAT(Problems({{"peers",
                         "{dataplanes: [\"spiffe://a/dataplane/*\", \"spiffe://a/*\"], operators: "
                         "[\"*\"]}"}}),
              ElementsAre(HasSubstr("peers.dataplanes[1]: spiffe://a/*: has a * elsewhere"),
                          HasSubstr("peers.operators[0]: *: has a * elsewhere")));
}

TEST_F(OptionsTest, RefuseAnAddressThatTheServerWouldGuessAt) {
  EXPECT_THAT(Problems({{"listenAddress", "\":7443\""}, {"adminAddress", "0.0.0.0"}}),
              ElementsAre(HasSubstr("listenAddress: must be IP:PORT"),
                          HasSubstr("adminAddress: must be IP:PORT")));
}

TEST_F(OptionsTest, AreCheckedAgainstTheMachine) {
  std::filesystem::create_directory(dir_ / "res");
  const auto found = [&](const std::map<std::string, std::string>& changes) {
    ReplaceFile(dir_ / "broker.yaml", Yaml(changes));
    BrokerOptions options;
    std::vector<std::string> texts;
    EXPECT_THAT(LoadOptions(dir_ / "broker.yaml", options), IsEmpty());
    for (const config::Problem& problem : CheckMachine("f", options)) {
      texts.push_back(problem.path);
    }
    return texts;
  };
  const std::string resources = "{directory: " + dir_ / "res" + "}";
  const std::string audit = "{directory: " + dir_ / "audit" + "}";
  EXPECT_THAT(found({{"resources", resources}, {"audit", audit}}), IsEmpty());
  EXPECT_THAT(found({{"resources", "{directory: /not/there}"},
                     {"audit", "{directory: /proc/nope}"},
                     {"listenAddress", "192.0.2.1:0"}}),
              ElementsAre("listenAddress", "resources.directory", "audit.directory"));
}

TEST_F(OptionsTest, TakeADenyListFromOnePlace) {
  const std::string map = "kubernetes: {namespace: oci, name: deny-list}";
  EXPECT_THAT(Problems({{"denyList", "{file: deny.yaml, " + map + "}"}}),
              Contains(HasSubstr("denyList: names file and kubernetes")));
  EXPECT_THAT(Problems({{"denyList", "{}"}}), ElementsAre(HasSubstr("denyList: names no place")));
  BrokerOptions options;
  ReplaceFile(
      dir_ / "broker.yaml",
      Yaml({{"denyList", "{" + map + "}"}, {"kubernetes", Kubeconfig("https://127.0.0.1:1")}}));
  ASSERT_THAT(LoadOptions(dir_ / "broker.yaml", options), IsEmpty());
  EXPECT_EQ(options.deny_list->config_map, (kube::ObjectName{"oci", "deny-list"}));
  EXPECT_TRUE(options.kubernetes.has_value());
}

TEST_F(OptionsTest, GiveAnOidcIssuerTheCommonAudienceUnlessItHasItsOwn) {
  ReplaceFile(dir_ / "broker.yaml",
              Yaml({{"identity",
                     "{audience: common, oidc: [{issuer: \"https://a\"}, {issuer: \"https://b\", "
                     "audience: own, caFile: " +
                         dir_ / "ca.crt" + "}]}"}}));
  BrokerOptions options;
  ASSERT_THAT(LoadOptions(dir_ / "broker.yaml", options), IsEmpty());

  ASSERT_EQ(options.callers.oidc.size(), 2U);
  EXPECT_EQ(options.callers.oidc[0].audience, "common");
  EXPECT_EQ(options.callers.oidc[1].audience, "own");
  EXPECT_EQ(options.callers.oidc[1].ca_pem, ca_.pem());
}

TEST_F(OptionsTest, TakeTheOnlyIssuerThatNamesServiceAccountsForTheOwnCluster) {
  BrokerOptions options;
  ReplaceFile(dir_ / "broker.yaml", Yaml());
  ASSERT_THAT(LoadOptions(dir_ / "broker.yaml", options), IsEmpty());
  EXPECT_TRUE(options.callers.local->own_cluster);
  ReplaceFile(
      dir_ / "broker.yaml",
      Yaml({{"identity",
             "{oidc: [{issuer: \"https://a\"}, {issuer: \"https://b\", kubernetes: true}]}"}}));
  options = {};
  ASSERT_THAT(LoadOptions(dir_ / "broker.yaml", options), IsEmpty());
  EXPECT_FALSE(options.callers.oidc[0].own_cluster);
  EXPECT_TRUE(options.callers.oidc[1].own_cluster);
}

TEST_F(OptionsTest, RefuseTwoClustersUntilOneIsSaidToBeTheOwn) {
  const std::string two =
      "oidc: [{issuer: \"https://a\", kubernetes: true}, {issuer: \"https://b\", kubernetes: "
      "true}]";
  EXPECT_THAT(Problems({{"identity", "{" + two + "}"}}),
              ElementsAre(HasSubstr(
                  "identity.ownCluster: is missing, and several issuers name ServiceAccounts "
                  "(https://a, https://b)")));
  EXPECT_THAT(Problems({{"identity", "{ownCluster: \"https://c\", " + two + "}"}}),
              ElementsAre(HasSubstr("identity.ownCluster: is no issuer")));
  BrokerOptions options;
  ReplaceFile(dir_ / "broker.yaml",
              Yaml({{"identity", "{ownCluster: \"https://b\", " + two + "}"}}));
  ASSERT_THAT(LoadOptions(dir_ / "broker.yaml", options), IsEmpty());
  EXPECT_FALSE(options.callers.oidc[0].own_cluster);
  EXPECT_TRUE(options.callers.oidc[1].own_cluster);
}

class KubernetesOptionsTest : public OptionsTest {
 protected:
  KubernetesOptionsTest() {
    ReplaceFile(dir_ / "kubeconfig",
                R"({"apiVersion":"v1","kind":"Config","current-context":"c",
        "contexts":[{"name":"c","context":{"cluster":"k","user":"u"}}],
        "clusters":[{"name":"k","cluster":{"server":"https://localhost:6443",
          "certificate-authority":")" +
                    (dir_ / "ca.crt") + R"("}}],
        "users":[{"name":"u","user":{"token":"t"}}]})");
  }
  std::map<std::string, std::string> With(const std::string& identity) {
    return {{"kubernetes", "{kubeconfigFile: " + dir_ / "kubeconfig" + "}"},
            {"identity", "{kubernetes: " + identity + "}"}};
  }
  BrokerOptions Load(const std::map<std::string, std::string>& changes) {
    ReplaceFile(dir_ / "broker.yaml", Yaml(changes));
    BrokerOptions options;
    EXPECT_THAT(LoadOptions(dir_ / "broker.yaml", options), IsEmpty());
    return options;
  }
};

TEST_F(KubernetesOptionsTest, AskTheApiServerByDefaultWithinItsLimits) {
  const BrokerOptions options = Load(With("{}"));

  ASSERT_TRUE(options.callers.kubernetes);
  EXPECT_FALSE(options.callers.kubernetes->jwks);
  EXPECT_EQ(options.callers.kubernetes->issuer, "");
  EXPECT_EQ(options.callers.kubernetes->max_reviews_per_second, 200U);
  EXPECT_EQ(options.callers.kubernetes->positive_cache, std::chrono::seconds(10));
  EXPECT_EQ(options.callers.kubernetes->negative_cache, std::chrono::seconds(5));
  ASSERT_TRUE(options.kubernetes);
  EXPECT_FALSE(options.rbac);  // Resources come from files here.
}

TEST_F(KubernetesOptionsTest, TakeTheClusterForTheOwnAndAllOthersForOthers) {
  auto changes = With("{}");
  changes["identity"] =
      "{kubernetes: {}, local: {issuer: \"https://l\", jwksFile: k.json}, "
      "oidc: [{issuer: \"https://b\", kubernetes: true}]}";
  const BrokerOptions options = Load(changes);

  EXPECT_FALSE(options.callers.local->own_cluster);
  EXPECT_FALSE(options.callers.oidc[0].own_cluster);
  changes["identity"].insert(1, "ownCluster: \"https://b\", ");
  EXPECT_THAT(Problems(changes), ElementsAre(HasSubstr("stands beside identity.kubernetes")));
}

TEST_F(KubernetesOptionsTest, ReadWhatIsSaid) {
  auto changes = With(
      "{verify: jwks, issuer: \"https://k\", maxReviewsPerSecond: 7, positiveCache: 2s, "
      "negativeCache: 500ms}");
  changes["access"] = "{mode: rbac}";
  const BrokerOptions options = Load(changes);

  EXPECT_TRUE(options.callers.kubernetes->jwks);
  EXPECT_EQ(options.callers.kubernetes->issuer, "https://k");
  EXPECT_EQ(options.callers.kubernetes->max_reviews_per_second, 7U);
  EXPECT_EQ(options.callers.kubernetes->positive_cache, std::chrono::seconds(2));
  EXPECT_EQ(options.callers.kubernetes->negative_cache, std::chrono::milliseconds(500));
  EXPECT_TRUE(options.rbac);
}

TEST_F(KubernetesOptionsTest, RefuseWhatCannotBe) {
  EXPECT_THAT(Problems(With("{verify: maybe}")),
              ElementsAre(HasSubstr("verify: must be tokenReview or jwks")));
  EXPECT_THAT(Problems(With("{positiveCache: 11s}")),
              ElementsAre(HasSubstr("positiveCache: must be between 0s and 10s")));
  EXPECT_THAT(Problems(With("{negativeCache: 6s}")),
              ElementsAre(HasSubstr("negativeCache: must be between 0s and 5s")));
  EXPECT_THAT(Problems(With("{maxReviewsPerSecond: 10001}")),
              ElementsAre(HasSubstr("must be between 1 and 10000")));
  auto changes = With("{}");
  changes["access"] = "{mode: both}";
  EXPECT_THAT(Problems(changes), ElementsAre(HasSubstr("access.mode: must be rbac or rules")));
  EXPECT_THAT(Problems({{"access", "{mode: rbac}"},
                        {"kubernetes", "{kubeconfigFile: " + dir_ / "absent" + "}"}}),
              ElementsAre(HasSubstr("kubernetes: ")));
}

TEST_F(OptionsTest, NameTheReplicaAfterTheHostUnlessItIsNamed) {
  ReplaceFile(dir_ / "broker.yaml", Yaml());
  BrokerOptions options;
  ASSERT_THAT(LoadOptions(dir_ / "broker.yaml", options), IsEmpty());
  EXPECT_NE(options.audit.replica, "");

  ReplaceFile(dir_ / "broker.yaml", Yaml({{"audit", "{directory: a, replica: broker-1}"}}));
  ASSERT_THAT(LoadOptions(dir_ / "broker.yaml", options), IsEmpty());
  EXPECT_EQ(options.audit.replica, "broker-1");
  EXPECT_THAT(Problems({{"audit", "{directory: a, replica: " + std::string(254, 'r') + "}"}}),
              ElementsAre(HasSubstr("audit.replica: must be at most 253 bytes")));
}

TEST_F(OptionsTest, SayFileLinePathAndReason) {
  EXPECT_THAT(Problems({{"logLevel", "loud"}}),
              ElementsAre("f:5: logLevel: must be debug, info, warning or error"));
}

TEST_F(OptionsTest, RefuseWhatTheSchemaDoesNotKnow) {
  EXPECT_THAT(Problems({{"audits", "1"}}), ElementsAre(HasSubstr("audits: unknown key")));
}

TEST_F(OptionsTest, RefuseFilesThatCannotBeUsed) {
  EXPECT_THAT(Problems({{"tls", Tls("absent.crt", "server.key", "ca.crt")}}),
              ElementsAre(HasSubstr("tls.certificateFile: ")));
  EXPECT_THAT(Problems({{"tls", Tls("empty", "server.key", "ca.crt")}}),
              ElementsAre(HasSubstr("holds no certificate")));
  EXPECT_THAT(Problems({{"tls", Tls("server.crt", "empty", "ca.crt")}}),
              ElementsAre(HasSubstr("holds no private key")));
  EXPECT_THAT(Problems({{"tls", Tls("server.crt", "other.key", "ca.crt")}}),
              ElementsAre(HasSubstr("is not the key of the certificate")));
  EXPECT_THAT(Problems({{"tls", Tls("server.crt", "server.key", "empty")}}),
              ElementsAre(HasSubstr("tls.clientCaFile: ")));
}

TEST_F(OptionsTest, RefuseARootKeyThatCanBeGuessed) {
  EXPECT_THAT(Problems({{"rootKeyFile", dir_ / "short.key"}}),
              ElementsAre(HasSubstr("fewer than 32 bytes")));
}

TEST_F(OptionsTest, RefuseAnotherRootKeyThatCannotBeUsed) {
  ReplaceFile(dir_ / "root.key.previous", "too short");
  EXPECT_THAT(Problems({}), ElementsAre(HasSubstr("root.key.previous: holds fewer than 32 bytes")));
}

TEST_F(OptionsTest, TakeResourcesFromOnePlace) {
  EXPECT_THAT(Problems({{"resources", "{}"}}), ElementsAre(HasSubstr("resources: names no place")));
  EXPECT_THAT(Problems({{"resources", "{directory: res, maxSilence: 1s}"}}),
              ElementsAre(HasSubstr("resources.maxSilence: must be between 5s and 1h")));
  EXPECT_THAT(Problems({{"resources", "{directory: res, kubernetes: {}}"},
                        {"kubernetes", Kubeconfig("https://api:6443")}}),
              ElementsAre(HasSubstr("resources: names directory and kubernetes; keep one")));
}

TEST_F(OptionsTest, TakeTheKubernetesApiOfAKubeconfig) {
  ReplaceFile(
      dir_ / "broker.yaml",
      Yaml({{"resources", "{kubernetes: {}}"}, {"kubernetes", Kubeconfig("https://api:6443")}}));
  BrokerOptions options;
  ASSERT_THAT(LoadOptions(dir_ / "broker.yaml", options), IsEmpty());

  EXPECT_EQ(options.resource_directory, "");
  EXPECT_EQ(options.kubernetes->server.ToString(), "https://api:6443");
}

TEST_F(OptionsTest, DecideByTheResourcesWhereConnectorsMayLead) {
  BrokerOptions options;
  ReplaceFile(dir_ / "broker.yaml", Yaml());
  ASSERT_THAT(LoadOptions(dir_ / "broker.yaml", options), IsEmpty());
  EXPECT_EQ(options.upstream_policy, routing::UpstreamPolicy{});

  ReplaceFile(
      dir_ / "broker.yaml",
      Yaml({{"resources", "{kubernetes: {}}"}, {"kubernetes", Kubeconfig("https://api:6443")}}));
  ASSERT_THAT(LoadOptions(dir_ / "broker.yaml", options), IsEmpty());
  EXPECT_EQ(options.upstream_policy.unlisted, routing::Unlisted::kPublic);
  EXPECT_FALSE(options.upstream_policy.all_mirrors);
}

TEST_F(OptionsTest, SayWhichPartOfTheUpstreamPolicyIsWrong) {
  EXPECT_THAT(
      Problems({{"upstreamPolicy",
                 "{unlisted: all, rules: [{namespaces: [\"*\"], addresses: [10.0.0.1/8]}]}"}}),
      ElementsAre(HasSubstr("upstreamPolicy.unlisted: must be none, public or local"),
                  HasSubstr("upstreamPolicy.rules[0].addresses[0]: is not an address range")));
  EXPECT_THAT(Problems({{"upstreamPolicy", "{rules: [{hosts: [a.internal]}]}"}}),
              ElementsAre(HasSubstr("upstreamPolicy.rules[0].namespaces")));
}

TEST_F(OptionsTest, AskForNoKubernetesApiWhereNothingNeedsIt) {
  ReplaceFile(dir_ / "broker.yaml", Yaml());
  BrokerOptions options;
  ASSERT_THAT(LoadOptions(dir_ / "broker.yaml", options), IsEmpty());

  EXPECT_NE(options.resource_directory, "");
  EXPECT_FALSE(options.kubernetes.has_value());
}

TEST_F(OptionsTest, SayHowTheKubernetesApiCannotBeReached) {
  const std::map<std::string, std::string> in_cluster = {{"resources", "{kubernetes: {}}"}};
  EXPECT_THAT(Problems(in_cluster), ElementsAre(HasSubstr("kubernetes")))
      << "this test runs in no pod";
  EXPECT_THAT(Problems({{"resources", "{kubernetes: {}}"},
                        {"kubernetes", "{kubeconfigFile: " + dir_ / "absent" + "}"}}),
              ElementsAre(HasSubstr("absent")));
}

TEST_F(OptionsTest, RefuseToVerifyNobody) {
  EXPECT_THAT(Problems({{"identity", "{audience: x}"}}),
              ElementsAre(HasSubstr("identity: names no issuer")));
}

TEST_F(OptionsTest, KeepTheAuditHeadOutsideTheDirectory) {
  ReplaceFile(dir_ / "broker.yaml", Yaml({{"audit", "{directory: /a/audit/}"}}));
  BrokerOptions options;
  ASSERT_THAT(LoadOptions(dir_ / "broker.yaml", options), IsEmpty());
  EXPECT_EQ(options.audit.head_file, "/a/audit.head");
  EXPECT_FALSE(options.audit.needs_head_file);

  ReplaceFile(dir_ / "broker.yaml", Yaml({{"audit", "{directory: a, headFile: /b/head}"}}));
  ASSERT_THAT(LoadOptions(dir_ / "broker.yaml", options), IsEmpty());
  EXPECT_EQ(options.audit.head_file, "/b/head");
  EXPECT_TRUE(options.audit.needs_head_file);

  for (const char* inside : {"/a/audit/head", "/a/audit//x/../head"}) {
    EXPECT_THAT(
        Problems({{"audit", std::string("{directory: /a/audit/, headFile: ") + inside + "}"}}),
        ElementsAre(HasSubstr("audit.headFile: must not be in audit.directory")));
  }
}

TEST_F(OptionsTest, RefuseAnAuditFileAgeOutsideItsBounds) {
  EXPECT_THAT(Problems({{"audit", "{directory: a, maxFileAge: 59s}"}}),
              ElementsAre(HasSubstr("audit.maxFileAge: ")));
}

TEST_F(OptionsTest, RefuseAnIssuersCaThatDoesNotParse) {
  EXPECT_THAT(
      Problems(
          {{"identity", "{oidc: [{issuer: \"https://a\", caFile: " + dir_ / "server.key" + "}]}"}}),
      ElementsAre(HasSubstr("identity.oidc[0].caFile: ")));
}

}  // namespace
}  // namespace connector::broker::app
