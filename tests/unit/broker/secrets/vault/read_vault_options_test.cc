#include "broker/app/options.h"
#include "tests/support/cpp/scratch_dir.h"
#include "tests/support/cpp/test_ca.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace connector::broker::secrets {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing_support::ReplaceFile;

constexpr std::string_view kMinimal =
    "  addresses: [\"https://a.example:8200\"]\n"
    "  login: {tokenFile: /run/token}\n";

class VaultOptionsTest : public ::testing::Test {
 protected:
  VaultOptionsTest() {
    const auto made = ca_.Issue({.names = {"DNS:connector-broker"}});
    ReplaceFile(dir_ / "a.crt", made.certificate_pem);
    ReplaceFile(dir_ / "a.key", made.key_pem);
    ReplaceFile(dir_ / "ca.crt", ca_.pem());
    ReplaceFile(dir_ / "root.key", std::string(32, 'r'));
  }

  // `vault`: what stands below vault:, two spaces before each line.
  std::vector<std::string> Load(std::string_view vault, app::BrokerOptions& options) {
    ReplaceFile(dir_ / "broker.yaml",
                "listenAddress: 127.0.0.1:0\nadminAddress: 127.0.0.1:0\n"
                "tls: {certificateFile: " +
                    dir_ / "a.crt" + ", keyFile: " + dir_ / "a.key" +
                    ", clientCaFile: " + dir_ / "ca.crt" +
                    "}\npeers: {dataplanes: [a]}\nresources: {directory: r}\n"
                    "identity: {local: {issuer: \"https://l\", jwksFile: k}}\n"
                    "audit: {directory: a}\nrootKeyFile: " +
                    dir_ / "root.key" + "\nvault:\n" + std::string(vault));
    std::vector<std::string> texts;
    for (const config::Problem& problem : app::LoadOptions(dir_ / "broker.yaml", options)) {
      texts.push_back(problem.path + ": " + problem.message);
    }
    return texts;
  }
  std::vector<std::string> Problems(std::string_view vault) {
    app::BrokerOptions options;
    return Load(vault, options);
  }
  secrets::VaultOptions Good(std::string_view vault) {
    app::BrokerOptions options;
    EXPECT_THAT(Load(vault, options), IsEmpty());
    return *options.vault;
  }
  VaultLoginMethod Login(const std::string& login) {
    return Good("  addresses: [\"https://a.example\"]\n  login: " + login + "\n").login;
  }

  testing_support::TestCa ca_;
  testing_support::ScratchDir dir_;
};

TEST_F(VaultOptionsTest, FillInTheDefaults) {
  const VaultOptions options = Good(kMinimal);
  ASSERT_EQ(options.addresses.size(), 1U);
  EXPECT_EQ(options.addresses[0].ToString(), "https://a.example:8200");
  EXPECT_EQ(options.poll_interval, std::chrono::seconds(10));
  EXPECT_EQ(options.timeout, std::chrono::seconds(5));
  EXPECT_THAT(options.paths, IsEmpty()) << "nobody may refer to anything";
  EXPECT_EQ(options.ca_file + options.server_name + options.vault_namespace + options.proxy, "");
}

TEST_F(VaultOptionsTest, ReadEveryLogin) {
  const auto by_file = std::get<TokenFileLogin>(Login("{tokenFile: /run/t}"));
  EXPECT_EQ(by_file.file, "/run/t");

  const auto kubernetes = std::get<KubernetesLogin>(
      Login("{kubernetes: {role: r, tokenFile: /run/t, mount: k8s/east}}"));
  EXPECT_EQ(kubernetes.role + " " + kubernetes.token_file + " " + kubernetes.mount,
            "r /run/t k8s/east");
  EXPECT_EQ(std::get<KubernetesLogin>(Login("{kubernetes: {role: r, tokenFile: /run/t}}")).mount,
            "kubernetes");

  const auto approle = std::get<AppRoleLogin>(
      Login("{appRole: {roleId: i, secretIdFile: /run/s, secretIdWrapped: true}}"));
  EXPECT_EQ(approle.role_id + " " + approle.secret_id_file + " " + approle.mount,
            "i /run/s approle");
  EXPECT_TRUE(approle.secret_id_wrapped);

  const auto cert =
      std::get<CertLogin>(Login("{cert: {role: r, certificateFile: " + dir_ / "a.crt" +
                                ", keyFile: " + dir_ / "a.key" + "}}"));
  EXPECT_EQ(cert.role + " " + cert.mount, "r cert");
}

TEST_F(VaultOptionsTest, ReadTheRulesForPaths) {
  const VaultOptions options =
      Good(std::string(kMinimal) +
           "  paths:\n"
           "  - {namespaces: [\"*\"], paths: [\"s/data/{namespace}/**\"]}\n"
           "  - {namespaces: [ci], paths: [\"s/data/x\"],"
           " vaultNamespaces: [\"*\", admin/a]}\n");
  ASSERT_EQ(options.paths.size(), 2U);
  EXPECT_THAT(options.paths[0].namespaces, ElementsAre("*"));
  EXPECT_THAT(options.paths[0].paths, ElementsAre("s/data/{namespace}/**"));
  EXPECT_THAT(options.paths[0].vault_namespaces, IsEmpty());
  EXPECT_THAT(options.paths[1].vault_namespaces, ElementsAre("*", "admin/a"));
}

TEST_F(VaultOptionsTest, RefusePlainHttpUnlessItIsAskedFor) {
  const std::string rest = "  login: {tokenFile: /run/t}\n";
  EXPECT_THAT(Problems("  addresses: [\"http://a.example\"]\n" + rest),
              ElementsAre(HasSubstr("vault.addresses[0]: is plain http")));
  EXPECT_THAT(Problems("  addresses: [\"http://a.example\"]\n  allowInsecure: true\n" + rest),
              IsEmpty());
}

struct ReadVaultOptionsRow {
  std::string_view name;
  std::string_view more;
  std::string_view problem;

  friend void PrintTo(const ReadVaultOptionsRow& row, std::ostream* os) { *os << row.name; }
};

class VaultOptionsRefuse : public VaultOptionsTest,
                           public ::testing::WithParamInterface<ReadVaultOptionsRow> {};

TEST_P(VaultOptionsRefuse, WithTheFieldAndTheReason) {
  EXPECT_THAT(Problems(std::string(kMinimal) + std::string(GetParam().more)),
              ElementsAre(HasSubstr(std::string(GetParam().problem))));
}

INSTANTIATE_TEST_SUITE_P(
    Vault,
    VaultOptionsRefuse,
    ::testing::Values(
        ReadVaultOptionsRow{
            "ACaFileThatIsNotThere", "  caFile: /absent\n", "vault.caFile: /absent: "},
        ReadVaultOptionsRow{
            "AProxyThatIsNoAddress", "  proxy: nonsense\n", "vault.proxy: is not an address"},
        ReadVaultOptionsRow{"ACertificateWithoutItsKey",
                            "  clientCertificateFile: x\n",
                            "vault.clientCertificateFile: goes with clientKeyFile"},
        ReadVaultOptionsRow{
            "ANamespaceWithASpace", "  namespace: a b\n", "vault.namespace: holds a character"},
        ReadVaultOptionsRow{"APathPattern",
                            "  paths: [{namespaces: [a], paths: [\"../x\"]}]\n",
                            "vault.paths[0].paths[0]: "},
        ReadVaultOptionsRow{"AConnectorsNamespace",
                            "  paths: [{namespaces: [A], paths: [\"s/x\"]}]\n",
                            "vault.paths[0].namespaces[0]: is not a namespace's name"},
        ReadVaultOptionsRow{
            "AVaultNamespace",
            "  paths: [{namespaces: [a], paths: [\"s/x\"], vaultNamespaces: [\"../x\"]}]\n",
            "vault.paths[0].vaultNamespaces[0]: "},
        ReadVaultOptionsRow{
            "ATooShortInterval", "  pollInterval: 99ms\n", "vault.pollInterval: must be between"},
        ReadVaultOptionsRow{
            "ATooLongInterval", "  pollInterval: 2h\n", "vault.pollInterval: must be between"},
        ReadVaultOptionsRow{
            "ATimeoutOfNothing", "  timeout: 0s\n", "vault.timeout: must be between"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_F(VaultOptionsTest, RefuseALoginThatCannotWork) {
  const std::string address = "  addresses: [\"https://a.example\"]\n";
  EXPECT_THAT(Problems(address), ElementsAre(HasSubstr("vault.login: is missing")));
  EXPECT_THAT(Problems(address + "  login: {kubernetes: {role: r}}\n"),
              ElementsAre(HasSubstr("vault.login.kubernetes.tokenFile: is missing")));
  EXPECT_THAT(Problems(address + "  login: {appRole: {roleId: i, secretIdFile: s, mount: ../x}}\n"),
              ElementsAre(HasSubstr("vault.login.appRole.mount: ")));
  EXPECT_THAT(Problems(address + "  login: {cert: {certificateFile: " + dir_ / "a.crt" +
                       ", keyFile: /absent}}\n"),
              ElementsAre(HasSubstr("vault.login.cert.keyFile: ")));
  EXPECT_THAT(Problems(address + "  login: {tokenFile: a, kubernetes: {role: r, tokenFile: t}}\n"),
              ElementsAre(HasSubstr("vault.login.kubernetes: ")));
}

}  // namespace
}  // namespace connector::broker::secrets
