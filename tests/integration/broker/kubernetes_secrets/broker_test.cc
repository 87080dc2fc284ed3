// The whole broker as the program builds it, before a real API server: Connectors and Secrets come
// from there. Only the registry is absent, because a Basic connector needs none to issue.

#include "broker/app/wiring.h"
#include "common/curl/curl_client.h"
#include "common/grpc/credentials.h"
#include "tests/contract/broker/callers/token_forge.h"
#include "tests/support/cpp/ca_pem.h"
#include "tests/support/cpp/kube_store_world.h"
#include "tests/support/cpp/root_keys.h"
#include "tests/support/cpp/run_task.h"
#include "tests/support/cpp/tcp_gate.h"

#include "proto/connector/broker/v1/broker.grpc.pb.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

namespace connector::broker::app {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing_support::KubeServer;
using testing_support::KubeStoreWorld;
using testing_support::PutSecret;
using testing_support::RemoveSecret;
using testing_support::ReplaceFile;
using testing_support::SecretRules;

using Answer = std::pair<grpc::Status, v1::IssueTokenResponse>;

class KubeBroker : public ::testing::Test {
 protected:
  KubeBroker() {
    ReplaceFile(dir_ / "ca.crt", ca_.pem());
    ReplaceFile(dir_ / "jwks.json", testing_support::Jwks({key_.PublicJwk("k1")}));
    WriteIdentity("server", "DNS:connector-broker");
    WriteIdentity("client", "URI:spiffe://test/dataplane");
    server().NewServiceAccount(ns_, "broker");
    server().Grant(ns_, "broker", "secrets", SecretRules({"robot", "bundle"}));
    server().Grant(ns_, "broker", "connectors-" + ns_, ConnectorRules(), true);
    token_ = server().Token(ns_, "broker", {});
    PutSecret(robot_, "kubernetes.io/basic-auth", {{"username", "u"}, {"password", "one"}});
    PutSecret(bundle_, "Opaque", {{"ca.crt", testing_support::MakeCaPem()}});
    PutConnector();
  }

  static KubeServer& server() { return KubeServer::Shared(); }

  static boost::json::array ConnectorRules() {
    return {boost::json::object{{"apiGroups", boost::json::array{"oci-connector.dev"}},
                                {"resources", boost::json::array{"connectors", "connectorclasses"}},
                                {"verbs", boost::json::array{"get", "list", "watch"}}}};
  }
  [[nodiscard]] boost::json::value ConnectorJson(const std::string& secret) const {
    return boost::json::parse(R"({
      "apiVersion": "oci-connector.dev/v1alpha1", "kind": "Connector",
      "metadata": {"name": "harbor", "namespace": ")" +
                              ns_ + R"("},
      "spec": {
        "connectorClassName": "oci", "address": "https://harbor.example.com",
        "auth": {"name": "basicAuth", "allowStatic": true, "secretRef": {"name": ")" +
                              secret + R"("}},
        "caCertSecretRef": {"name": "bundle"},
        "access": [{"from": [{"serviceAccount": {"namespace": "ci", "name": "builder"}}],
                    "repositories": ["team-a/**"], "actions": ["pull"]}]}})");
  }
  void PutConnector(const std::string& secret = "robot") { server().Apply(ConnectorJson(secret)); }
  [[nodiscard]] std::string SecretFile(const std::string& name,
                                       const boost::json::object& data) const {
    return boost::json::serialize(boost::json::object{
        {"apiVersion", "v1"},
        {"kind", "Secret"},
        {"type", data.contains("password") ? "kubernetes.io/basic-auth" : "Opaque"},
        {"metadata", {{"name", name}, {"namespace", ns_}}},
        {"stringData", data}});
  }
  void RemoveConnector() {
    server().Must("DELETE",
                  "/apis/oci-connector.dev/v1alpha1/namespaces/" + ns_ + "/connectors/harbor");
  }
  void WriteIdentity(const std::string& name, const std::string& san) {
    const auto identity = ca_.Issue({.names = {san}});
    ReplaceFile(dir_ / (name + ".crt"), identity.certificate_pem);
    ReplaceFile(dir_ / (name + ".key"), identity.key_pem);
  }

  // `name` of its audit directory; `change` comes last.
  std::unique_ptr<Broker> NewBroker(
      const std::string& name, const std::function<void(BrokerOptions&)>& change = [](auto&) {}) {
    BrokerOptions options;
    options.listen_address = "127.0.0.1:0";
    options.admin_address = "127.0.0.1:0";
    options.tls = {dir_ / "server.crt", dir_ / "server.key", dir_ / "ca.crt"};
    options.peers.dataplanes = {"spiffe://test/dataplane"};
    options.kubernetes = server().Settings(token_);
    options.callers.local =
        callers::LocalIssuerOptions{"https://issuer.example", dir_ / "jwks.json"};
    options.callers.local->own_cluster = true;
    options.audit.directory = dir_ / name;
    options.root_keys = testing_support::ShareRootKeys("r");
    change(options);
    auto broker = std::make_unique<Broker>(std::move(options), log_);
    const Result<Done> started = broker->Start();
    EXPECT_TRUE(started.has_value()) << started.error().message;
    return broker;
  }

  std::string CallerToken() {
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
    testing_support::Payload payload;
    payload.Set("iss", R"("https://issuer.example")")
        .Set("aud", R"("oci-connector")")
        .Set("sub", R"("system:serviceaccount:ci:builder")")
        .Set("iat", std::to_string(now))
        .Set("exp", std::to_string(now + 600));
    return testing_support::Forge(
        key_, "ES256", testing_support::Header("ES256", "k1"), payload.Json());
  }
  Answer Issue(const Broker& broker) {
    auto stub = v1::Broker::NewStub(
        grpc_support::MakeChannel("ipv4:127.0.0.1:" + std::to_string(broker.port()),
                                  {dir_ / "client.crt", dir_ / "client.key", dir_ / "ca.crt"},
                                  "connector-broker",
                                  grpc::ChannelArguments()));
    v1::IssueTokenRequest request;
    request.mutable_connector()->set_namespace_(ns_);
    request.mutable_connector()->set_name("harbor");
    request.set_caller_token(CallerToken());
    v1::Scope& scope = *request.add_scopes();
    scope.set_repository("team-a/app");
    scope.add_actions(v1::ACTION_PULL);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    v1::IssueTokenResponse response;
    grpc::Status status = stub->IssueToken(&context, request, &response);
    return {std::move(status), std::move(response)};
  }
  // The epoch that `broker` grants with; empty when it grants nothing.
  std::string Epoch(const Broker& broker) { return Issue(broker).second.grant().epoch(); }
  [[nodiscard]] bool EventuallyGrants(const Broker& broker) {
    return KubeStoreWorld::Eventually([&] { return Issue(broker).second.has_grant(); });
  }

  // Status and body.
  static std::string Readyz(const Broker& broker) {
    curl::CurlClient client;
    curl::CurlRequest request;
    request.url = {{false, "127.0.0.1", broker.admin_port()}, "/readyz", ""};
    const auto answer = testing_support::RunTask(client.Perform(
        std::move(request), std::chrono::steady_clock::now() + std::chrono::seconds(20)));
    return answer ? std::to_string(answer->status) + " " + std::string(answer->body.Reveal())
                  : answer.error().message;
  }

  const std::string ns_ = server().NewNamespace("broker");
  const secrets::SecretRef robot_{ns_, "robot"};
  const secrets::SecretRef bundle_{ns_, "bundle"};
  testing_support::TestCa ca_;
  testing_support::SigningKey key_ = testing_support::SigningKey::Ec();
  testing_support::ScratchDir dir_;
  log::Logger log_{2, "test", log::Level::kError};
  std::string token_;
};

TEST_F(KubeBroker, IssuesWithAConnectorAndASecretOfTheApi) {
  const auto broker = NewBroker("a");

  EXPECT_TRUE(EventuallyGrants(*broker)) << Readyz(*broker);
  EXPECT_THAT(Readyz(*broker), HasSubstr("200"));
}

TEST_F(KubeBroker, GivesEqualEpochsOnEveryBroker) {
  const auto one = NewBroker("a");
  const auto two = NewBroker("b");
  ASSERT_TRUE(EventuallyGrants(*one) && EventuallyGrants(*two));
  const std::string before = Epoch(*one);

  EXPECT_EQ(Epoch(*two), before);

  PutSecret(robot_, "kubernetes.io/basic-auth", {{"username", "u"}, {"password", "two"}});
  EXPECT_TRUE(KubeStoreWorld::Eventually(
      [&] { return Epoch(*one) != before && Epoch(*one) == Epoch(*two); }));
}

TEST_F(KubeBroker, ChangesTheEpochWithTheCaBundle) {
  const auto broker = NewBroker("a");
  ASSERT_TRUE(EventuallyGrants(*broker));
  const std::string before = Epoch(*broker);

  PutSecret(bundle_, "Opaque", {{"ca.crt", testing_support::MakeCaPem()}});

  EXPECT_TRUE(KubeStoreWorld::Eventually([&] { return Epoch(*broker) != before; }));
}

TEST_F(KubeBroker, GrantsNothingForASecretOrConnectorThatIsGone) {
  const auto broker = NewBroker("a");
  ASSERT_TRUE(EventuallyGrants(*broker));

  RemoveSecret(robot_);
  EXPECT_TRUE(KubeStoreWorld::Eventually([&] { return !Issue(*broker).second.has_grant(); }));

  PutSecret(robot_, "kubernetes.io/basic-auth", {{"username", "u"}, {"password", "one"}});
  EXPECT_TRUE(EventuallyGrants(*broker));

  RemoveConnector();
  EXPECT_TRUE(KubeStoreWorld::Eventually([&] {
    return Issue(*broker).second.denial().reason() == v1::DENIAL_REASON_CONNECTOR_NOT_FOUND;
  }));
}

TEST_F(KubeBroker, IsNotReadyBeforeItHasReadTheApi) {
  server().Kill();
  const auto broker = NewBroker("a");

  EXPECT_TRUE(KubeStoreWorld::Eventually([&] {
    return Readyz(*broker).find("could not be read from the Kubernetes API") != std::string::npos;
  })) << Readyz(*broker);
  EXPECT_THAT(Readyz(*broker), HasSubstr("503"));
  const grpc::Status status = Issue(*broker).first;
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr("has not read its connectors yet"));

  server().Start();
  EXPECT_TRUE(EventuallyGrants(*broker)) << Readyz(*broker);
}

TEST_F(KubeBroker, StaysReadyAndKeepsItsStateWhenTheApiGoesAway) {
  const auto broker = NewBroker("a");
  ASSERT_TRUE(EventuallyGrants(*broker));
  const std::string before = Epoch(*broker);

  server().Kill();
  EXPECT_TRUE(KubeStoreWorld::Eventually([&] {
    return Readyz(*broker).find("the Kubernetes API cannot be used since") != std::string::npos;
  })) << Readyz(*broker);

  EXPECT_THAT(Readyz(*broker), HasSubstr("200"));
  EXPECT_EQ(Epoch(*broker), before) << "what was minted goes on";
  server().Start();
}

// Its Connectors are in a directory, so that the deny list alone cannot be seen.
TEST_F(KubeBroker, GrantsNothingWhileChangesOfItsDenyListAreNotSeen) {
  const boost::json::value rules = {{{"apiGroups", {""}},
                                     {"resources", {"configmaps"}},
                                     {"resourceNames", {"deny-list"}},
                                     {"verbs", {"list", "watch"}}}};
  server().Grant(ns_, "broker", "deny-list", rules.as_array());
  server().Apply(boost::json::object{{"apiVersion", "v1"},
                                     {"kind", "ConfigMap"},
                                     {"metadata", {{"name", "deny-list"}, {"namespace", ns_}}},
                                     {"data", {{"deny-list.yaml", "denied: []"}}}});
  std::filesystem::create_directory(dir_ / "resources");
  ReplaceFile(dir_ / "resources/connector.yaml", boost::json::serialize(ConnectorJson("robot")));
  ReplaceFile(dir_ / "resources/robot.yaml",
              SecretFile("robot", {{"username", "u"}, {"password", "one"}}));
  ReplaceFile(dir_ / "resources/bundle.yaml",
              SecretFile("bundle", {{"ca.crt", testing_support::MakeCaPem()}}));
  testing_support::TcpGate gate(server().port());
  const auto broker = NewBroker("a", [&](BrokerOptions& options) {
    options.kubernetes->server.port = gate.port();
    options.resource_directory = dir_ / "resources";
    options.deny_list.emplace().config_map = kube::ObjectName{ns_, "deny-list"};
    options.max_silence = std::chrono::seconds(5);
  });
  ASSERT_TRUE(EventuallyGrants(*broker)) << Readyz(*broker);
  EXPECT_THAT(Readyz(*broker), HasSubstr("200"));

  gate.CutAfter([] { return std::size_t{0}; });
  gate.CutAll();

  EXPECT_TRUE(KubeStoreWorld::Eventually([&] {
    return Issue(*broker).first.error_code() == grpc::StatusCode::UNAVAILABLE;
  })) << Readyz(*broker);
  EXPECT_THAT(Issue(*broker).first.error_message(), HasSubstr("or of its deny list"));
  EXPECT_THAT(Readyz(*broker),
              AllOf(HasSubstr("503"),
                    HasSubstr("changes of Connectors or of the deny list cannot be seen for "),
                    HasSubstr("changes of the deny list in ConfigMap " + ns_ +
                              "/deny-list cannot be seen for ")));

  gate.CutAfter(nullptr);
  EXPECT_TRUE(EventuallyGrants(*broker)) << Readyz(*broker);
  EXPECT_TRUE(
      KubeStoreWorld::Eventually([&] { return Readyz(*broker).find("200") != std::string::npos; }));
}

TEST_F(KubeBroker, StopsWhileItWaitsForTheApi) {
  server().Kill();
  const auto broker = NewBroker("a");

  broker->Stop();

  EXPECT_FALSE(Issue(*broker).first.ok());
  server().Start();
}

}  // namespace
}  // namespace connector::broker::app
