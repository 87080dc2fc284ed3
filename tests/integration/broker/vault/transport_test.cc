#include "broker/secrets/vault/vault_store.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/vault_proxy.h"
#include "tests/support/cpp/vault_store_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>

namespace connector::broker::secrets {
namespace {

using ::testing::HasSubstr;
using testing_support::HasErrorMessage;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::HttpServer;
using testing_support::Json;
using testing_support::PasswordOf;
using testing_support::RefTo;
using testing_support::ReplaceFile;
using testing_support::ScratchDir;
using testing_support::TestCa;
using testing_support::TlsSetup;
using testing_support::VaultServer;
using testing_support::VaultStoreWorld;

constexpr const char* kTransportPath = "wire/data/ci/harbor";

class VaultTransport : public ::testing::Test {
 protected:
  VaultTransport() {
    vault_.Mount("wire", R"({"type":"kv","options":{"version":"2"}})");
    vault_.Must("POST", kTransportPath, R"({"data":{"username":"u","password":"p"}})");
    options_ = VaultStoreWorld::OptionsFor(dir_, vault_.NewToken(Json({{"policies", {"root"}}})));
  }
  void Trust(const TestCa& ca) {
    ReplaceFile(dir_ / "ca.crt", ca.pem());
    options_.ca_file = dir_ / "ca.crt";
  }
  Result<StoredSecret> Fetch() {
    VaultStoreWorld world(options_);
    return world.Fetch(RefTo(kTransportPath));
  }

  VaultServer& vault_ = VaultServer::Shared();
  ScratchDir dir_;
  VaultOptions options_;
};

// A server with a certificate of `ca`, that answers as Vault would.
HttpAnswer LikeVault(const HttpRequest& request) {
  HttpAnswer answer;
  answer.body = request.target.find("lookup-self") != std::string::npos
                    ? R"({"data":{"ttl":0,"policies":["p"]}})"
                    : R"({"data":{"data":{"username":"u","password":"p"},)"
                      R"("metadata":{"version":1}}})";
  return answer;
}

TEST_F(VaultTransport, VerifiesVaultAgainstTheCaFileAlone) {
  options_.addresses = {vault_.tls_address()};
  Trust(vault_.ca());
  EXPECT_EQ(PasswordOf(Fetch()), "p");

  // Also where the system trusts it.
  ReplaceFile(dir_ / "system.crt", vault_.ca().pem());
  ::setenv("SSL_CERT_FILE", (dir_ / "system.crt").c_str(), 1);
  Trust(TestCa());
  const Result<StoredSecret> distrusted = Fetch();
  ::unsetenv("SSL_CERT_FILE");
  EXPECT_THAT(
      distrusted,
      HasErrorMessage(ErrorCode::kUnavailable,
                      HasSubstr("the certificate of localhost:" +
                                std::to_string(vault_.tls_address().port) + " is not trusted")));
  options_.ca_file.clear();
  EXPECT_THAT(Fetch(), HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("is not trusted")));
  options_.ca_file = dir_ / "none";
  EXPECT_THAT(Fetch(), HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("the CA file")));
}

TEST_F(VaultTransport, RefusesACertificateThatHasExpired) {
  const TestCa ca;
  testing_support::CertificateRequest expired;
  expired.valid_from_seconds = -7200;
  expired.valid_to_seconds = -3600;
  HttpServer server(LikeVault, TlsSetup{ca.Issue(expired)});
  options_.addresses = {*http::ParseOrigin(server.address())};
  Trust(ca);

  EXPECT_THAT(Fetch(), HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("has expired")));
}

TEST_F(VaultTransport, VerifiesTheServerNameThatIsConfigured) {
  const TestCa ca;
  testing_support::CertificateRequest named;
  named.names = {"DNS:vault.example"};
  HttpServer server(LikeVault, TlsSetup{ca.Issue(named)});
  options_.addresses = {*http::ParseOrigin(server.address())};
  Trust(ca);

  EXPECT_THAT(Fetch(), HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("is for another name")));
  options_.server_name = "vault.example";
  EXPECT_EQ(PasswordOf(Fetch()), "p");
}

TEST_F(VaultTransport, UsesNoProxyButTheOneThatIsConfigured) {
  HttpServer proxy(LikeVault);
  for (const char* name : {"http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"}) {
    ::setenv(name, proxy.address().c_str(), 1);
  }
  EXPECT_EQ(PasswordOf(Fetch()), "p");
  EXPECT_EQ(proxy.connections(), 0u);

  for (const char* name : {"http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"}) {
    ::unsetenv(name);
  }
  ::setenv("no_proxy", "*", 1);
  options_.proxy = proxy.address();
  EXPECT_EQ(PasswordOf(Fetch()), "p");
  ::unsetenv("no_proxy");
  ASSERT_GE(proxy.requests().size(), 1u);
  EXPECT_THAT(proxy.requests().front().target, HasSubstr(vault_.address().ToString() + "/v1/"));
}

TEST_F(VaultTransport, SharesNoConnectionBetweenLogins) {
  testing_support::VaultProxy front(vault_.address().port);
  HttpServer server([&](const HttpRequest& request) { return LikeVault(request); });
  options_.addresses = {*http::ParseOrigin(server.address())};
  VaultStoreWorld world(options_);
  ASSERT_EQ(PasswordOf(world.Fetch(RefTo(kTransportPath))), "p");
  ASSERT_EQ(PasswordOf(world.Fetch(RefTo(kTransportPath))), "p");
  const std::size_t one_login = server.connections();

  ReplaceFile(dir_ / "token", "another");
  ASSERT_EQ(PasswordOf(world.Fetch(RefTo(kTransportPath))), "p");

  EXPECT_EQ(one_login, 2u) << "one to look the token up, one that both reads share";
  EXPECT_EQ(server.connections(), 4u);
}

}  // namespace
}  // namespace connector::broker::secrets
