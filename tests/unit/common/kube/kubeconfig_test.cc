#include "common/base/encoding.h"
#include "common/kube/cluster_connection.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/scratch_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::kube {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing_support::HasErrorMessage;
using testing_support::ReplaceFile;
using testing_support::ScratchDir;

constexpr char kCluster[] =
    "{server: \"https://k.example.com:6443\", certificate-authority: ca.crt}";

class Kubeconfig : public ::testing::Test {
 protected:
  Result<ClusterConnection> Read(const std::string& cluster,
                                 const std::string& user,
                                 const std::string& context = "") {
    return ReadText(
        "apiVersion: v1\nkind: Config\ncurrent-context: main\ncontexts:\n"
        "- {name: main, context: {cluster: c, user: u, namespace: team-a}}\n"
        "- {name: bare, context: {cluster: c}}\n"
        "- {name: lost, context: {cluster: none, user: u}}\n"
        "- {name: nobody, context: {cluster: c, user: none}}\n"
        "clusters:\n- {name: c, cluster: " +
            cluster + "}\nusers:\n- {name: u, user: " + user + "}\n",
        context);
  }
  Result<ClusterConnection> ReadText(const std::string& text, const std::string& context = "") {
    ReplaceFile(path_, text);
    return KubeconfigConnection(path_, context);
  }

  const ScratchDir dir_;
  const std::string path_ = dir_ / "config";
};

TEST_F(Kubeconfig, ReadsServerCaTokenAndNamespaceOfTheCurrentContext) {
  const auto settings = Read(kCluster, "{token: secret-token}");

  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->server.ToString(), "https://k.example.com:6443");
  EXPECT_EQ(settings->ca_file, dir_ / "ca.crt");
  EXPECT_EQ(settings->token.Reveal(), "secret-token");
  EXPECT_EQ(settings->ns, "team-a");
}

TEST_F(Kubeconfig, ReadsData) {
  const auto settings =
      Read("{server: \"https://k\", certificate-authority-data: " + Base64Encode("the ca") +
               ", tls-server-name: other}",
           "{client-certificate-data: " + Base64Encode("the cert") +
               ", client-key-data: " + Base64Encode("the key") + "}");

  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->ca_pem, "the ca");
  EXPECT_EQ(settings->server_name, "other");
  EXPECT_EQ(settings->client_cert_pem, "the cert");
  EXPECT_EQ(settings->client_key_pem.Reveal(), "the key");
}

TEST_F(Kubeconfig, ReadsFilesBesideItself) {
  const auto settings = Read(kCluster, "{client-certificate: a.crt, client-key: /b.key}");

  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->client_cert_file, dir_ / "a.crt");
  EXPECT_EQ(settings->client_key_file, "/b.key");
}

TEST_F(Kubeconfig, PrefersATokenFile) {
  const auto settings = Read(kCluster, "{token: old, tokenFile: t}");

  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->token_file, dir_ / "t");
  EXPECT_TRUE(settings->token.empty());
}

TEST_F(Kubeconfig, TakesTheContextThatIsNamed) {
  const auto settings = Read(kCluster, "{token: t}", "bare");

  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->ns, "default");
  EXPECT_TRUE(settings->token.empty());
}

struct KubeconfigRefused {
  std::string_view name;
  std::string cluster;
  std::string user;
  std::string says;
  std::string context = "";

  friend void PrintTo(const KubeconfigRefused& row, std::ostream* os) { *os << row.name; }
};

class KubeconfigRefuses : public Kubeconfig,
                          public ::testing::WithParamInterface<KubeconfigRefused> {};

TEST_P(KubeconfigRefuses, AndSaysWhatToWrite) {
  const KubeconfigRefused& row = GetParam();

  EXPECT_THAT(Read(row.cluster, row.user, row.context),
              HasErrorMessage(
                  ErrorCode::kInvalidArgument,
                  AllOf(HasSubstr(path_), HasSubstr(row.says), Not(HasSubstr("secret-value")))));
}

INSTANTIATE_TEST_SUITE_P(
    Rows,
    KubeconfigRefuses,
    ::testing::Values(
        KubeconfigRefused{
            "Exec", kCluster, "{exec: {command: x}}", "exec: is not supported: write token"},
        KubeconfigRefused{
            "AuthProvider", kCluster, "{auth-provider: {name: x}}", "auth-provider: is not"},
        KubeconfigRefused{
            "APassword", kCluster, "{username: a, password: secret-value}", "no passwords"},
        KubeconfigRefused{"Impersonation", kCluster, "{token: t, as: root}", "impersonation"},
        KubeconfigRefused{"NoVerification",
                          R"({server: "https://k", insecure-skip-tls-verify: true})",
                          "{token: t}",
                          "write certificate-authority instead"},
        KubeconfigRefused{
            "AProxy",
            R"({server: "https://k", certificate-authority: c, proxy-url: "http://p"})",
            "{token: t}",
            "proxy-url"},
        KubeconfigRefused{
            "NoCa", R"({server: "https://k"})", "{token: t}", "certificate-authority: is missing"},
        KubeconfigRefused{"NoServer", "{certificate-authority: c}", "{token: t}", "server: "},
        KubeconfigRefused{"APath",
                          R"({server: "https://k/cluster", certificate-authority: c})",
                          "{token: t}",
                          "server: "},
        KubeconfigRefused{
            "ATokenOverHttp", R"({server: "http://k"})", "{token: t}", "over https only"},
        KubeconfigRefused{
            "ACertificateWithoutKey", kCluster, "{client-certificate: c}", "wants client-key"},
        KubeconfigRefused{"HalfData",
                          kCluster,
                          "{client-certificate-data: YQ==, client-key: k}",
                          "both files, or both data"},
        KubeconfigRefused{
            "WhatIsNotBase64", kCluster, "{client-key-data: \"secret-value!\"}", "is not base64"},
        KubeconfigRefused{"AnUnknownContext", kCluster, "{}", "the name 'other'", "other"},
        KubeconfigRefused{
            "AnUnknownCluster", kCluster, "{}", "clusters: there is none with", "lost"},
        KubeconfigRefused{"AnUnknownUser", kCluster, "{}", "users: there is none with", "nobody"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_F(Kubeconfig, WantsAContext) {
  EXPECT_THAT(ReadText("kind: Config\n"),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("name a context")));
}

TEST_F(Kubeconfig, SaysWhereTheYamlIsWrong) {
  EXPECT_THAT(ReadText("a: [\n"), HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("line ")));
}

TEST_F(Kubeconfig, SaysThatThereIsNoFile) {
  EXPECT_THAT(KubeconfigConnection(dir_ / "none", ""),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr(dir_ / "none")));
}

}  // namespace
}  // namespace connector::kube
