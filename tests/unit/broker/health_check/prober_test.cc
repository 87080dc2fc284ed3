#include "broker/health_check/prober.h"

#include "broker/upstream_auth/minters.h"
#include "broker/upstream_auth/minting_token_source.h"
#include "tests/support/cpp/fake_clock.h"
#include "tests/support/cpp/fake_secret_store.h"
#include "tests/support/cpp/registry_world.h"
#include "tests/support/cpp/run_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

namespace connector::broker::health_check {

void PrintTo(const HealthCheckStep& step, std::ostream* os) {
  *os << step.name << " " << step.reason << " (" << step.message << ")";
}

namespace {

using resource::AuthKind;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::RegistryWorld;

auto Ok(const std::string& name, const std::string& reason = "Ok") {
  return AllOf(Field("name", &HealthCheckStep::name, name),
               Field("ok", &HealthCheckStep::ok, true),
               Field("reason", &HealthCheckStep::reason, reason),
               Field("message", &HealthCheckStep::message, Not(IsEmpty())));
}

auto Failed(const std::string& name, const std::string& reason, const std::string& says = "") {
  return AllOf(Field("name", &HealthCheckStep::name, name),
               Field("ok", &HealthCheckStep::ok, false),
               Field("reason", &HealthCheckStep::reason, reason),
               Field("message", &HealthCheckStep::message, HasSubstr(says)));
}

class ProberTest : public ::testing::Test {
 protected:
  ProberTest() {
    store_.Put({"default", "harbor-robot"},
               {{"username", testing_support::kUser}, {"password", testing_support::kPassword}},
               "v1");
    upstream_auth::TokenSourceParts parts{store_,
                                          upstream_auth::MakeMinters({client_, clock_}),
                                          clock_,
                                          io_.get_executor(),
                                          registry_,
                                          {},
                                          {}};
    tokens_ = upstream_auth::MakeTokenSource(std::move(parts));
    prober_ = MakeProber(store_, *tokens_, client_, [this](Deadline) { return Login(); });
    connector_.auth.params["repository"] = "library/ubuntu";
    OnTags(200);
  }

  // The registry's answer to its tags; /v2/ goes on to challenge.
  void OnTags(int status) {
    const HttpAnswer challenge =
        testing_support::Challenge("Bearer realm=\"" + world_.realm() + "\"");
    world_.registry.On([challenge, status](const HttpRequest& request) {
      return request.target == "/v2/" ? challenge : HttpAnswer{.status = status};
    });
  }

  std::vector<HealthCheckStep> Check(std::chrono::milliseconds time = std::chrono::seconds(20)) {
    auto entry = std::make_shared<connectors::CatalogEntry>(*world_.Entry(connector_));
    entry->policy = std::make_shared<const routing::UpstreamPolicy>(policy_);
    return testing_support::RunTask(io_,
                                    prober_->Check(entry, std::chrono::steady_clock::now() + time));
  }

  Task<Result<secrets::VaultLoginInfo>> Login() { co_return login_; }

  void UseVault() {
    connector_.auth.secret_name.reset();
    connector_.auth.vault = kLocation;
    store_.Put({"default", {}, kLocation},
               {{"username", testing_support::kUser}, {"password", testing_support::kPassword}},
               "v1");
  }

  const resource::VaultLocation kLocation{"", "secret/data/ci/harbor"};
  Result<secrets::VaultLoginInfo> login_ =
      secrets::VaultLoginInfo{"approle", {"connector"}, "a", {}, true};
  RegistryWorld world_;
  routing::UpstreamPolicy policy_;
  asio::io_context io_;
  testing_support::FakeClock clock_;
  testing_support::FakeSecretStore store_;
  prometheus::Registry registry_;
  upstream_auth::UpstreamClient client_;
  std::unique_ptr<upstream_auth::MintingTokenSource> tokens_;
  std::unique_ptr<Prober> prober_;
  resource::Connector connector_ = world_.Connector(AuthKind::kTokenAuth);
};

TEST_F(ProberTest, ChecksSecretLivenessAuthAndRead) {
  EXPECT_THAT(Check(), ElementsAre(Ok("secret"), Ok("liveness"), Ok("auth"), Ok("read")));

  const HttpRequest read = world_.registry.requests().back();
  EXPECT_EQ(read.method + " " + read.target, "GET /v2/library/ubuntu/tags/list?n=1");
  EXPECT_EQ(read.Header("authorization"), "Bearer t0ken");
  EXPECT_THAT(world_.token_service.requests().at(0).Query("scope"),
              ElementsAre("repository:library/ubuntu:pull"));
}

TEST_F(ProberTest, ReadsNothingWithoutARepository) {
  connector_.auth.params.clear();

  EXPECT_THAT(Check(), ElementsAre(Ok("secret"), Ok("liveness"), Ok("auth")));
  EXPECT_THAT(world_.token_service.requests().at(0).Query("scope"), IsEmpty());
}

TEST_F(ProberTest, SendsTheBasicCredentialOfAStaticConnector) {
  connector_.auth.kind = AuthKind::kBasicAuth;
  connector_.auth.allow_static = true;

  EXPECT_THAT(Check(), ElementsAre(Ok("secret"), Ok("liveness"), Ok("auth"), Ok("read")));
  EXPECT_EQ(world_.registry.requests().back().Header("authorization"),
            testing_support::kBasicOfBoth);
}

TEST_F(ProberTest, SendsNoCredentialToAnOpenRegistry) {
  connector_ = world_.Connector(AuthKind::kAnonymous);
  connector_.auth.params["repository"] = "library/ubuntu";
  world_.registry.Answer({});

  EXPECT_THAT(Check(),
              ElementsAre(Ok("secret", "SecretOptional"), Ok("liveness"), Ok("auth"), Ok("read")));
  EXPECT_EQ(world_.registry.requests().back().Header("authorization"), "");
}

TEST_F(ProberTest, StopsAtASecretThatIsNotThere) {
  connector_.auth.secret_name = "missing";
  EXPECT_THAT(Check(), ElementsAre(Failed("secret", "SecretNotFound")));
  EXPECT_THAT(world_.registry.requests(), IsEmpty());
}

TEST_F(ProberTest, StopsAtASecretThatLacksAKey) {
  store_.Put({"default", "harbor-robot"}, {{"username", "x"}}, "v2");
  EXPECT_THAT(Check(), ElementsAre(Failed("secret", "SecretInvalid", "password")));
}

TEST_F(ProberTest, StopsAtAStoreThatIsDown) {
  store_.Fail(MakeError(ErrorCode::kUnavailable, ErrorOrigin::kBroker, "the store is down"));
  EXPECT_THAT(Check(), ElementsAre(Failed("secret", "SecretStoreUnavailable", "is down")));

  store_.Fail(MakeError(ErrorCode::kPermissionDenied, ErrorOrigin::kBroker, "no"));
  EXPECT_THAT(Check(), ElementsAre(Failed("secret", "SecretStoreRefused")));
}

TEST_F(ProberTest, StopsAtACaBundleThatCannotBeUsed) {
  connector_.ca_secret_name = "bundle";
  for (const AuthKind kind : {AuthKind::kTokenAuth, AuthKind::kAnonymous}) {
    connector_.auth.kind = kind;
    connector_.auth.secret_name =
        kind == AuthKind::kAnonymous ? std::nullopt : std::optional<std::string>("harbor-robot");
    auto entry = std::make_shared<connectors::CatalogEntry>(*world_.Entry(connector_));
    entry->ca = {};
    entry->problem = "there is no Secret default/bundle";

    EXPECT_THAT(
        testing_support::RunTask(
            io_,
            prober_->Check(entry, std::chrono::steady_clock::now() + std::chrono::seconds(20))),
        ElementsAre(Failed("secret", "CaBundleInvalid", "default/bundle")));
  }
}

TEST_F(ProberTest, ChecksLoginReadAndKeysOfACredentialInVault) {
  UseVault();
  EXPECT_THAT(Check(),
              ElementsAre(Ok("vault-login"),
                          Ok("vault-read"),
                          Ok("vault-keys"),
                          Ok("liveness"),
                          Ok("auth"),
                          Ok("read")));
  EXPECT_THAT(Check().at(0).message, HasSubstr("by approle, with the policies: connector"));
}

TEST_F(ProberTest, SaysAtWhichStepVaultFailsAndWhy) {
  UseVault();
  login_ = MakeError(ErrorCode::kPermissionDenied, ErrorOrigin::kBroker, "invalid role or secret");
  EXPECT_THAT(Check(), ElementsAre(Failed("vault-login", "LoginRefused", "invalid role")));

  login_ = MakeError(ErrorCode::kUnavailable, ErrorOrigin::kBroker, "Vault is sealed");
  EXPECT_THAT(Check(), ElementsAre(Failed("vault-login", "VaultUnavailable", "is sealed")));

  login_ = secrets::VaultLoginInfo{};
  store_.Fail(MakeError(ErrorCode::kPermissionDenied, ErrorOrigin::kBroker, "lacks read on"));
  EXPECT_THAT(
      Check(),
      ElementsAre(Ok("vault-login"), Failed("vault-read", "SecretStoreRefused", "lacks read")));

  store_.Fail(MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kBroker, "it is wrapped"));
  EXPECT_THAT(Check(),
              ElementsAre(Ok("vault-login"),
                          Ok("vault-read"),
                          Failed("vault-keys", "SecretInvalid", "is wrapped")));

  store_.Fail(std::nullopt);
  store_.Put({"default", {}, kLocation}, {{"username", "x"}}, "v2");
  EXPECT_THAT(
      Check(),
      ElementsAre(
          Ok("vault-login"), Ok("vault-read"), Failed("vault-keys", "SecretInvalid", "password")));
}

TEST_F(ProberTest, SaysThatTheBrokerHasNoVault) {
  UseVault();
  prober_ = MakeProber(store_, *tokens_, client_);
  EXPECT_THAT(Check(), ElementsAre(Failed("vault-login", "NoVault", "has no vault")));
}

TEST_F(ProberTest, SaysWhatThePlatformMustAllow) {
  policy_.unlisted = routing::Unlisted::kPublic;
  EXPECT_THAT(
      Check(),
      ElementsAre(
          Ok("secret"),
          Failed("liveness", "UpstreamNotAllowed", "addresses: [127.0.0.1] and plainHttp")));

  policy_.rules.push_back({.addresses = {*routing::ParseRange("127.0.0.1")}, .plain_http = true});
  EXPECT_THAT(Check(), ElementsAre(Ok("secret"), Ok("liveness"), Ok("auth"), Ok("read")));

  connector_.upstream.token_realm = *http::ParseUrl("http://169.254.169.254/token");
  EXPECT_THAT(Check(),
              ElementsAre(Ok("secret"),
                          Ok("liveness"),
                          Failed("auth", "UpstreamNotAllowed", "addresses: [169.254.169.254]")));
}

TEST_F(ProberTest, DoesNotSayWhatANameLeadsTo) {
  connector_.address.host = "localhost";
  policy_.unlisted = routing::Unlisted::kPublic;
  policy_.rules.push_back({.hosts = {"localhost"}, .plain_http = true});

  const std::vector<HealthCheckStep> steps = Check();

  ASSERT_THAT(steps, ElementsAre(Ok("secret"), Failed("liveness", "ConnectionFailed")));
  EXPECT_THAT(steps.back().message, Not(HasSubstr("127.0.0.1")));
  EXPECT_THAT(steps.back().message, HasSubstr("the platform does not allow its address"));
  EXPECT_EQ(world_.registry.server().connections(), 0U);
}

TEST_F(ProberTest, StopsAtARegistryThatIsNotAlive) {
  world_.registry.Answer({.body = "x", .cut = true});
  EXPECT_THAT(Check(), ElementsAre(Ok("secret"), Failed("liveness", "ConnectionFailed")));

  world_.registry.Answer({.silent = true});
  EXPECT_THAT(Check(std::chrono::milliseconds(50)),
              ElementsAre(Ok("secret"), Failed("liveness", "Timeout")));

  world_.registry.Answer({.status = 503});
  EXPECT_THAT(Check(), ElementsAre(Ok("secret"), Failed("liveness", "RegistryUnavailable", "503")));

  world_.registry.Answer({.status = 404});
  EXPECT_THAT(Check(), ElementsAre(Ok("secret"), Failed("liveness", "NotARegistry", "address")));

  world_.registry.Answer({.status = 308});
  EXPECT_THAT(Check(), ElementsAre(Ok("secret"), Failed("liveness", "Redirected", "address")));
}

TEST_F(ProberTest, StopsAtATokenServiceThatGivesNoToken) {
  world_.token_service.Answer({.status = 401});
  EXPECT_THAT(
      Check(),
      ElementsAre(
          Ok("secret"), Ok("liveness"), Failed("auth", "CredentialRefused", "default/harbor")));
}

TEST_F(ProberTest, SaysWhenTheTokenServiceIsNotPinned) {
  connector_.upstream.token_realm.reset();
  EXPECT_THAT(Check(),
              ElementsAre(Ok("secret"),
                          Ok("liveness"),
                          Failed("auth", "AuthMisconfigured", "spec.upstream.tokenRealm")));
}

TEST_F(ProberTest, RefusesAParameterThatIsNoRepository) {
  connector_.auth.params["repository"] = "../x?y";
  EXPECT_THAT(
      Check(),
      ElementsAre(
          Ok("secret"), Ok("liveness"), Failed("auth", "AuthMisconfigured", "spec.auth.params")));
}

TEST_F(ProberTest, SaysWhyARepositoryCannotBeRead) {
  const auto read_with = [this](int status) {
    OnTags(status);
    return Check().back();
  };
  EXPECT_THAT(read_with(401), Failed("read", "AccessDenied"));
  EXPECT_THAT(read_with(403), Failed("read", "AccessDenied"));
  EXPECT_THAT(read_with(404), Failed("read", "RepositoryNotFound", "library/ubuntu"));
  EXPECT_THAT(read_with(500), Failed("read", "UnexpectedStatus", "500"));
  EXPECT_THAT(read_with(307), Failed("read", "UnexpectedStatus", "307"));
}

}  // namespace
}  // namespace connector::broker::health_check
