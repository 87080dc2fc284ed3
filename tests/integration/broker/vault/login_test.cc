#include "broker/secrets/vault/vault_store.h"
#include "common/base/encoding.h"
#include "common/curl/curl_client.h"
#include "tests/support/cpp/http_server.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/run_task.h"
#include "tests/support/cpp/vault_store_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <optional>
#include <set>

namespace connector::broker::secrets {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing_support::HasErrorMessage;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::HttpServer;
using testing_support::Json;
using testing_support::PasswordOf;
using testing_support::RefTo;
using testing_support::ReplaceFile;
using testing_support::RunTask;
using testing_support::ScratchDir;
using testing_support::VaultServer;
using testing_support::VaultStoreWorld;

constexpr const char* kPath = "logins/data/ci/harbor";

class VaultLogin : public ::testing::Test {
 protected:
  VaultLogin() {
    vault_.Mount("logins", R"({"type":"kv","options":{"version":"2"}})");
    vault_.Must("POST", kPath, R"({"data":{"username":"u","password":"p"}})");
    vault_.Policy("logins-reader", R"(path "logins/data/*" { capabilities = ["read"] })");
    options_ = VaultStoreWorld::OptionsFor(dir_, "unused");
  }

  // The approle `name`; its role id.
  std::string AppRole(const std::string& name, const std::string& json) {
    vault_.MountAuth("approle", "approle");
    vault_.Must("POST", "auth/approle/role/" + name, json);
    return Text(
        vault_.Must("GET", "auth/approle/role/" + name + "/role-id").at("data").at("role_id"));
  }
  std::string SecretId(const std::string& name) {
    return Text(
        vault_.Must("POST", "auth/approle/role/" + name + "/secret-id").at("data").at("secret_id"));
  }
  static std::string Text(const boost::json::value& value) {
    return std::string(value.as_string().c_str());
  }
  Result<VaultLoginInfo> Check(VaultStoreWorld& world) {
    return RunTask(
        world.store().CheckLogin(std::chrono::steady_clock::now() + std::chrono::seconds(20)));
  }
  bool TokenLives(const std::string& accessor) {
    return vault_.Ask("POST", "auth/token/lookup-accessor", Json({{"accessor", accessor}}))
               .status == 200;
  }

  VaultServer& vault_ = VaultServer::Shared();
  ScratchDir dir_;
  VaultOptions options_;
};

TEST_F(VaultLogin, ByAppRoleSaysAsWhomAndGivesTheTokenBackAtTheEnd) {
  const std::string role_id =
      AppRole("plain", R"({"token_policies":"logins-reader","token_ttl":"5m"})");
  ReplaceFile(dir_ / "secret_id", SecretId("plain") + "\n");
  options_.login = AppRoleLogin{role_id, dir_ / "secret_id"};
  VaultStoreWorld world(options_);

  const Result<VaultLoginInfo> info = Check(world);

  ASSERT_TRUE(info.has_value()) << info.error().message;
  EXPECT_EQ(info->method, "approle");
  EXPECT_THAT(info->policies, ::testing::ElementsAre("logins-reader"));
  EXPECT_TRUE(info->renewable);
  EXPECT_EQ(PasswordOf(world.Fetch(RefTo(kPath))), "p");
  EXPECT_TRUE(TokenLives(info->accessor));
  world.Stop();
  EXPECT_FALSE(TokenLives(info->accessor));
}

TEST_F(VaultLogin, SaysThatTheLoginIsRefusedAndWhy) {
  const std::string role_id = AppRole("plain", R"({"token_policies":"logins-reader"})");
  ReplaceFile(dir_ / "secret_id", "wrong-secret-id-canary");
  options_.login = AppRoleLogin{role_id, dir_ / "secret_id"};
  VaultStoreWorld world(options_);
  world.Follow({RefTo(kPath)});

  EXPECT_THAT(Check(world),
              HasErrorMessage(ErrorCode::kPermissionDenied,
                              "Vault refuses the broker's login at auth/approle/login: invalid "
                              "role or secret ID"));
  EXPECT_THAT(world.Fetch(RefTo(kPath)),
              HasErrorMessage(ErrorCode::kUnavailable,
                              AllOf(HasSubstr("refuses the broker's login"), HasSubstr(kPath))));
  EXPECT_THAT(world.store().Status().problem, HasSubstr("refuses the broker's login"));
  EXPECT_THAT(world.Log(), Not(HasSubstr("wrong-secret-id-canary")));

  ReplaceFile(dir_ / "secret_id", SecretId("plain"));
  EXPECT_TRUE(VaultStoreWorld::Eventually([&] { return world.store().Status().login.has_value(); },
                                          std::chrono::seconds(10)));
}

TEST_F(VaultLogin, SaysThatALoginFileIsMissing) {
  options_.login = AppRoleLogin{"role", dir_ / "none"};
  VaultStoreWorld world(options_);

  EXPECT_THAT(Check(world),
              HasErrorMessage(ErrorCode::kUnavailable,
                              HasSubstr("the login file " + dir_ / "none" + " cannot be used")));
}

class VaultWrappedSecretId : public VaultLogin {
 protected:
  // What POST `path` answers, wrapped.
  std::string Wrapped(const std::string& path, const std::string& json) {
    curl::CurlClient client;
    curl::CurlRequest request;
    request.method = "POST";
    request.url = *http::ParseUrl(vault_.address().ToString() + "/v1/" + path);
    request.headers.push_back({"X-Vault-Token", Secret(vault_.root_token())});
    request.headers.push_back({"X-Vault-Wrap-TTL", Secret("120s")});
    request.body = Secret(json);
    const auto response = RunTask(client.Perform(
        std::move(request), std::chrono::steady_clock::now() + std::chrono::seconds(20)));
    return Text(
        boost::json::parse(std::string(response->body.Reveal())).at("wrap_info").at("token"));
  }
  void LogInWith(const std::string& wrapping_token) {
    ReplaceFile(dir_ / "wrapped", wrapping_token);
    options_.login = AppRoleLogin{role_id_, dir_ / "wrapped", true};
  }

  const std::string role_id_ =
      AppRole("wrapped", R"({"token_policies":"logins-reader","token_ttl":"5m"})");
};

TEST_F(VaultWrappedSecretId, IsUnwrappedOnceAndServesLaterLoginsToo) {
  LogInWith(Wrapped("auth/approle/role/wrapped/secret-id", "{}"));
  VaultStoreWorld world(options_);
  const Result<VaultLoginInfo> first = Check(world);
  ASSERT_TRUE(first.has_value()) << first.error().message;

  vault_.Must("POST", "auth/token/revoke-accessor", Json({{"accessor", first->accessor}}));
  const Result<VaultLoginInfo> second = Check(world);

  ASSERT_TRUE(second.has_value()) << second.error().message;
  EXPECT_NE(second->accessor, first->accessor);
  EXPECT_EQ(world.Count(VaultOperation::kUnwrap), 2u) << "one lookup, one unwrapping";
}

TEST_F(VaultWrappedSecretId, ThatSomebodyElseUnwrappedIsAReasonForAlarm) {
  LogInWith(Wrapped("auth/approle/role/wrapped/secret-id", "{}"));
  VaultStoreWorld thief(options_);
  ASSERT_TRUE(Check(thief).has_value());
  VaultStoreWorld world(options_);

  EXPECT_THAT(Check(world),
              HasErrorMessage(ErrorCode::kPermissionDenied, HasSubstr("a reason for alarm")));

  const std::size_t asked = world.Count(VaultOperation::kUnwrap);
  EXPECT_TRUE(VaultStoreWorld::Eventually([&] {
    const Result<VaultLoginInfo> again = Check(world);
    return !again && again.error().message.find("did not unwrap") != std::string::npos;
  }));
  EXPECT_EQ(world.Count(VaultOperation::kUnwrap), asked) << "it is not tried again";
  LogInWith(Wrapped("auth/approle/role/wrapped/secret-id", "{}"));
  EXPECT_TRUE(VaultStoreWorld::Eventually([&] { return Check(world).has_value(); }))
      << "a new one is";
}

TEST_F(VaultWrappedSecretId, ThatWrapsSomethingElseIsNotUnwrapped) {
  const std::string token = Wrapped("sys/wrapping/wrap", R"({"secret_id":"of the attacker"})");
  LogInWith(token);
  VaultStoreWorld world(options_);

  EXPECT_THAT(Check(world),
              HasErrorMessage(ErrorCode::kPermissionDenied,
                              HasSubstr("was not made by auth/approle/role/.../secret-id")));
  EXPECT_EQ(vault_.Ask("POST", "sys/wrapping/unwrap", "{}", token).status, 200)
      << "it is still whole";
}

std::string UnsignedJwt(const std::string& name) {
  const std::string claims =
      R"({"iss":"kubernetes/serviceaccount","sub":"system:serviceaccount:oci:)" + name +
      R"(","aud":["vault"],"exp":4102444800,"iat":1500000000,)" +
      R"("kubernetes.io":{"namespace":"oci","serviceaccount":{"name":")" + name +
      R"(","uid":"uid-1"}}})";
  return Base64UrlEncode(R"({"alg":"RS256","typ":"JWT"})") + "." + Base64UrlEncode(claims) + "." +
         Base64UrlEncode(name + " signature");
}

// What Vault asks a Kubernetes API server: whether a token is good.
class TokenReviews {
 public:
  void Accept(const std::string& token) {
    const std::lock_guard lock(mutex_);
    accepted_ = token;
  }
  [[nodiscard]] std::string address() const { return server_.address(); }

 private:
  HttpAnswer Serve(const HttpRequest& request) {
    const std::lock_guard lock(mutex_);
    const boost::json::value review = boost::json::parse(request.body);
    const bool good = review.at("spec").at("token").as_string() == accepted_;
    HttpAnswer answer;
    answer.status = 201;
    answer.headers = {{"Content-Type", "application/json"}};
    answer.body =
        good
            ? R"({"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","status":)"
              R"({"authenticated":true,"audiences":["vault"],"user":{"username":"system:serviceaccount:oci:broker",)"
              R"("uid":"uid-1","groups":["system:authenticated"]}}})"
            : R"({"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","status":)"
              R"({"authenticated":false,"error":"invalid bearer token"}})";
    return answer;
  }

  std::mutex mutex_;
  std::string accepted_;
  HttpServer server_{[this](const HttpRequest& request) { return Serve(request); }};
};

TEST_F(VaultLogin, ByKubernetesReadsTheProjectedTokenAtEachLogin) {
  TokenReviews reviews;
  vault_.MountAuth("kubernetes", "kubernetes");
  vault_.Must("POST",
              "auth/kubernetes/config",
              Json({{"kubernetes_host", reviews.address()}, {"disable_local_ca_jwt", true}}));
  vault_.Must("POST",
              "auth/kubernetes/role/broker",
              R"({"bound_service_account_names":"broker","bound_service_account_namespaces":"oci",)"
              R"("token_policies":"logins-reader","token_ttl":"5m","audience":"vault"})");
  const std::string first = UnsignedJwt("broker");
  ReplaceFile(dir_ / "jwt", first);
  reviews.Accept(first);
  options_.login = KubernetesLogin{"broker", dir_ / "jwt"};
  VaultStoreWorld world(options_);

  const Result<VaultLoginInfo> info = Check(world);
  ASSERT_TRUE(info.has_value()) << info.error().message;
  EXPECT_EQ(info->method, "kubernetes");
  EXPECT_EQ(PasswordOf(world.Fetch(RefTo(kPath))), "p");

  const std::string second = first + "2";
  ReplaceFile(dir_ / "jwt", second);
  reviews.Accept(second);
  vault_.Must("POST", "auth/token/revoke-accessor", Json({{"accessor", info->accessor}}));
  EXPECT_EQ(PasswordOf(world.Fetch(RefTo(kPath))), "p");

  ReplaceFile(dir_ / "jwt", UnsignedJwt("somebody"));
  vault_.Must("POST",
              "auth/token/revoke-accessor",
              Json({{"accessor", world.store().Status().login->accessor}}));
  const Result<StoredSecret> refused = world.Fetch(RefTo(kPath));
  EXPECT_THAT(refused,
              HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("auth/kubernetes/login")));
  EXPECT_THAT(refused.error().message, Not(HasSubstr(UnsignedJwt("somebody"))));
}

TEST_F(VaultLogin, ByCertificateShowsItToTheTlsListener) {
  const testing_support::TestCa clients;
  testing_support::CertificateRequest request;
  request.names = {"DNS:broker.example"};
  const testing_support::TlsIdentity identity = clients.Issue(request);
  ReplaceFile(dir_ / "client.crt", identity.certificate_pem);
  ReplaceFile(dir_ / "client.key", identity.key_pem);
  ReplaceFile(dir_ / "ca.crt", vault_.ca().pem());
  vault_.MountAuth("cert", "cert");
  vault_.Must("POST",
              "auth/cert/certs/broker",
              Json({{"certificate", clients.pem()},
                    {"allowed_dns_sans", "broker.example"},
                    {"token_policies", "logins-reader"}}));
  options_.addresses = {vault_.tls_address()};
  options_.ca_file = dir_ / "ca.crt";
  options_.login = CertLogin{dir_ / "client.crt", dir_ / "client.key", "broker"};
  VaultStoreWorld world(options_);

  const Result<VaultLoginInfo> info = Check(world);

  ASSERT_TRUE(info.has_value()) << info.error().message;
  EXPECT_EQ(info->method, "cert");
  EXPECT_EQ(PasswordOf(world.Fetch(RefTo(kPath))), "p");

  request.names = {"DNS:somebody.example"};
  const testing_support::TlsIdentity other = clients.Issue(request);
  ReplaceFile(dir_ / "client.crt", other.certificate_pem);
  ReplaceFile(dir_ / "client.key", other.key_pem);
  VaultStoreWorld stranger(options_);
  EXPECT_THAT(Check(stranger),
              HasErrorMessage(ErrorCode::kPermissionDenied, HasSubstr("auth/cert/login")));
}

TEST_F(VaultLogin, ByTokenFileFollowsTheFileAndLeavesTheTokenAlive) {
  const std::string first = vault_.NewToken(R"({"policies":["logins-reader"],"ttl":"5m"})");
  const std::string second = vault_.NewToken(R"({"policies":["logins-reader"],"ttl":"5m"})");
  options_ = VaultStoreWorld::OptionsFor(dir_, first);
  VaultStoreWorld world(options_);
  const Result<VaultLoginInfo> info = Check(world);
  ASSERT_TRUE(info.has_value()) << info.error().message;
  world.Follow({RefTo(kPath)});

  ReplaceFile(dir_ / "token", second);

  EXPECT_TRUE(VaultStoreWorld::Eventually([&] {
    const VaultStatus status = world.store().Status();
    return status.login && status.login->accessor != info->accessor;
  }));
  const std::string accessor = world.store().Status().login->accessor;
  world.Stop();
  EXPECT_TRUE(TokenLives(info->accessor));
  EXPECT_TRUE(TokenLives(accessor));
}

TEST_F(VaultLogin, ByTokenFileKeepsAGoodTokenWhenTheFileHoldsABadOne) {
  const std::string token = vault_.NewToken(R"({"policies":["logins-reader"],"ttl":"5m"})");
  options_ = VaultStoreWorld::OptionsFor(dir_, token);
  VaultStoreWorld world(options_);
  ASSERT_EQ(PasswordOf(world.Fetch(RefTo(kPath))), "p");

  ReplaceFile(dir_ / "token", "nonsense");

  EXPECT_EQ(PasswordOf(world.Fetch(RefTo(kPath))), "p");
  EXPECT_EQ(PasswordOf(world.Fetch(RefTo(kPath))), "p");
  EXPECT_EQ(world.Count(VaultOperation::kLookupSelf), 2u) << "the bad one is tried once";
}

TEST_F(VaultLogin, ByTokenFileSaysThatTheTokenIsDeadUntilAnotherIsWritten) {
  const std::string token = vault_.NewToken(R"({"policies":["logins-reader"],"ttl":"5m"})");
  options_ = VaultStoreWorld::OptionsFor(dir_, token);
  VaultStoreWorld world(options_);
  ASSERT_EQ(PasswordOf(world.Fetch(RefTo(kPath))), "p");

  vault_.RevokeToken(token);

  EXPECT_THAT(world.Fetch(RefTo(kPath)),
              HasErrorMessage(ErrorCode::kUnavailable,
                              HasSubstr("Vault does not accept the token in " + dir_ / "token")));
  ReplaceFile(dir_ / "token", vault_.NewToken(R"({"policies":["logins-reader"]})"));
  EXPECT_TRUE(VaultStoreWorld::Eventually(
      [&] { return PasswordOf(world.Fetch(RefTo(kPath))) == "p"; }, std::chrono::seconds(10)));
}

}  // namespace
}  // namespace connector::broker::secrets
