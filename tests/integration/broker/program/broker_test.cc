// The whole broker as the program builds it, with real files, real TLS and real caller tokens; only
// the registry is absent, because a Basic connector needs none to issue.

#include "broker/app/wiring.h"
#include "common/auditlog/verify_directory.h"
#include "common/grpc/credentials.h"
#include "common/log/log.h"
#include "tests/contract/broker/callers/token_forge.h"
#include "tests/support/cpp/chain_keys.h"
#include "tests/support/cpp/root_keys.h"
#include "tests/support/cpp/scratch_dir.h"
#include "tests/support/cpp/test_ca.h"

#include "proto/connector/broker/v1/broker.grpc.pb.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <filesystem>

namespace connector::broker::app {
namespace {

using testing_support::Payload;
using testing_support::ReplaceFile;

constexpr const char* kConnector = R"(
apiVersion: oci-connector.dev/v1alpha1
kind: Connector
metadata: {name: harbor, namespace: default}
spec:
  connectorClassName: oci
  address: https://harbor.example.com
  auth: {name: basicAuth, allowStatic: true, secretRef: {name: robot}}
  access:
  - from: [{serviceAccount: {namespace: ci, name: SUBJECT}}]
    repositories: ["team-a/**"]
    actions: [pull]
)";
constexpr const char* kSecret = R"(
apiVersion: v1
kind: Secret
metadata: {name: robot, namespace: default}
type: kubernetes.io/basic-auth
stringData: {username: robot, password: PASSWORD}
)";

class BrokerTest : public ::testing::Test {
 protected:
  BrokerTest() {
    std::filesystem::create_directory(dir_ / "resources");
    WriteConnector("builder");
    WriteSecret("first-password");
    ReplaceFile(dir_ / "ca.crt", ca_.pem());
    ReplaceFile(dir_ / "jwks.json", testing_support::Jwks({key_.PublicJwk("k1")}));
    ReplaceFile(dir_ / "root.key", std::string(32, 'r'));
    WriteIdentity("server", "DNS:connector-broker");
    WriteIdentity("client", "URI:spiffe://test/dataplane");
    StartBroker();
  }
  ~BrokerTest() override { broker_->Stop(); }

  void WriteConnector(std::string_view subject) {
    Write("connector", kConnector, "SUBJECT", subject);
  }
  void WriteSecret(std::string_view password) { Write("secret", kSecret, "PASSWORD", password); }
  void Write(const std::string& name,
             std::string text,
             std::string_view key,
             std::string_view value) {
    text.replace(text.find(key), key.size(), value);
    ReplaceFile(dir_ / ("resources/" + name + ".yaml"), text);
  }
  void WriteIdentity(const std::string& name, const std::string& san) {
    const auto identity = ca_.Issue({.names = {san}});
    ReplaceFile(dir_ / (name + ".crt"), identity.certificate_pem);
    ReplaceFile(dir_ / (name + ".key"), identity.key_pem);
  }

  void StartBroker() {
    BrokerOptions options;
    options.listen_address = "127.0.0.1:0";
    options.admin_address = "127.0.0.1:0";
    options.tls = {dir_ / "server.crt", dir_ / "server.key", dir_ / "ca.crt"};
    options.peers.dataplanes = {"spiffe://test/dataplane"};
    options.resource_directory = dir_ / "resources";
    options.max_silence = max_silence_;
    options.callers.local =
        callers::LocalIssuerOptions{"https://issuer.example", dir_ / "jwks.json"};
    options.callers.local->own_cluster = true;
    options.audit.directory = dir_ / "audit";
    options.root_keys = testing_support::ShareRootKeys("r");
    broker_.emplace(std::move(options), log_);
    const Result<Done> started = broker_->Start();
    ASSERT_TRUE(started.has_value()) << started.error().message;
    stub_ = v1::Broker::NewStub(Channel(grpc::ChannelArguments()));
  }
  std::shared_ptr<grpc::Channel> Channel(const grpc::ChannelArguments& arguments) {
    return grpc_support::MakeChannel("ipv4:127.0.0.1:" + std::to_string(broker_->port()),
                                     {dir_ / "client.crt", dir_ / "client.key", dir_ / "ca.crt"},
                                     "connector-broker",
                                     arguments);
  }
  // One that leaves a broker which says that it does not serve.
  std::shared_ptr<grpc::Channel> WatchfulChannel() {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetServiceConfigJSON(R"({"loadBalancingConfig": [{"round_robin": {}}],
                                       "healthCheckConfig": {"serviceName": ""}})");
    return Channel(arguments);
  }

  std::string Token() {
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
    Payload payload;
    payload.Set("iss", R"("https://issuer.example")")
        .Set("aud", R"("oci-connector")")
        .Set("sub", R"("system:serviceaccount:ci:builder")")
        .Set("iat", std::to_string(now))
        .Set("exp", std::to_string(now + 600));
    return testing_support::Forge(
        key_, "ES256", testing_support::Header("ES256", "k1"), payload.Json());
  }
  v1::IssueTokenResponse Issue(const std::string& token) {
    v1::IssueTokenResponse response;
    const grpc::Status status = TryIssue(token, response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  grpc::Status TryIssue(const std::string& token, v1::IssueTokenResponse& response) {
    v1::IssueTokenRequest request;
    request.mutable_connector()->set_namespace_("default");
    request.mutable_connector()->set_name("harbor");
    request.set_caller_token(token);
    v1::Scope& scope = *request.add_scopes();
    scope.set_repository("team-a/app");
    scope.add_actions(v1::ACTION_PULL);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    return stub_->IssueToken(&context, request, &response);
  }
  // Asks until the call ends with `code`, or 20 s are over.
  grpc::Status TryUntil(grpc::StatusCode code) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    v1::IssueTokenResponse response;
    grpc::Status status = TryIssue(Token(), response);
    while (status.error_code() != code && std::chrono::steady_clock::now() < give_up) {
      status = TryIssue(Token(), response);
    }
    return status;
  }
  // Asks until the answer is as wanted, or 20 s are over.
  template <typename Wanted>
  v1::IssueTokenResponse IssueUntil(const Wanted& wanted) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    v1::IssueTokenResponse response = Issue(Token());
    while (!wanted(response) && std::chrono::steady_clock::now() < give_up) {
      response = Issue(Token());
    }
    return response;
  }
  auditlog::VerificationReport Audit() {
    const auto report =
        auditlog::VerifyDirectory(dir_ / "audit", {*testing_support::ChainKeysOf()});
    EXPECT_TRUE(report.has_value()) << (report ? "" : report.error().message);
    return report ? *report : auditlog::VerificationReport{};
  }

  testing_support::TestCa ca_;
  testing_support::SigningKey key_ = testing_support::SigningKey::Ec();
  testing_support::ScratchDir dir_;
  log::Logger log_{2, "test", log::Level::kError};
  std::chrono::milliseconds max_silence_ = api::kDefaultMaxSilence;
  std::optional<Broker> broker_;
  std::unique_ptr<v1::Broker::Stub> stub_;
};

TEST_F(BrokerTest, IssuesToAVerifiedCallerAndRecordsEveryDecision) {
  const v1::IssueTokenResponse granted = Issue(Token());
  const v1::IssueTokenResponse denied = Issue("not-a-token");

  EXPECT_EQ(granted.grant().credential().scheme(), v1::CREDENTIAL_SCHEME_BASIC);
  EXPECT_EQ(granted.grant().secret_class(), v1::SECRET_CLASS_STATIC);
  EXPECT_EQ(denied.denial().reason(), v1::DENIAL_REASON_CALLER_UNAUTHENTICATED);
  EXPECT_EQ(Audit().records, 2U);
}

TEST_F(BrokerTest, TakesUpARotatedPasswordWithANewEpoch) {
  const v1::IssueTokenResponse before = Issue(Token());
  WriteSecret("second-password");

  const v1::IssueTokenResponse after = IssueUntil([&](const v1::IssueTokenResponse& response) {
    return response.grant().epoch() != before.grant().epoch();
  });

  EXPECT_NE(after.grant().epoch(), before.grant().epoch());
  EXPECT_NE(after.grant().credential().value(), before.grant().credential().value());
}

TEST_F(BrokerTest, GrantsNothingWhileChangesOfItsResourcesAreNotSeen) {
  broker_->Stop();
  max_silence_ = std::chrono::milliseconds(1000);
  StartBroker();
  ASSERT_TRUE(Issue(Token()).has_grant());
  const auto soon = [] { return std::chrono::system_clock::now() + std::chrono::seconds(20); };
  const auto channel = WatchfulChannel();
  ASSERT_TRUE(channel->WaitForConnected(soon()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(40));
  const auto stream = stub_->WatchRoutes(&context, {});
  v1::WatchRoutesResponse part;
  ASSERT_TRUE(stream->Read(&part));
  std::filesystem::rename(dir_ / "resources", dir_ / "away");

  const grpc::Status refused = TryUntil(grpc::StatusCode::UNAVAILABLE);

  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(refused.error_message(),
              ::testing::HasSubstr("sees no changes of its Connectors or of its deny list"));
  EXPECT_TRUE(channel->WaitForStateChange(GRPC_CHANNEL_READY, soon())) << "others are asked";
  while (stream->Read(&part)) {
  }
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE) << "others are followed";
  std::filesystem::rename(dir_ / "away", dir_ / "resources");
  EXPECT_TRUE(TryUntil(grpc::StatusCode::OK).ok());
  EXPECT_TRUE(channel->WaitForConnected(soon()));
}

TEST_F(BrokerTest, RefusesACallerWhoseRuleWasRemoved) {
  ASSERT_TRUE(Issue(Token()).has_grant());
  WriteConnector("somebody-else");

  const v1::IssueTokenResponse after =
      IssueUntil([](const v1::IssueTokenResponse& response) { return response.has_denial(); });

  EXPECT_EQ(after.denial().reason(), v1::DENIAL_REASON_CONNECTOR_NOT_FOUND);
}

// RLIMIT_FSIZE stands for a disk that is full: the kernel itself refuses the write.
TEST_F(BrokerTest, IssuesNothingWhileTheAuditDiskIsFullAndRecovers) {
  ASSERT_TRUE(Issue(Token()).has_grant());
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit unlimited{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &unlimited), 0);
  const rlimit full{10, unlimited.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);

  const v1::IssueTokenResponse refused = Issue(Token());

  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &unlimited), 0);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(refused.denial().reason(), v1::DENIAL_REASON_AUDIT_UNAVAILABLE);
  EXPECT_GT(refused.denial().retry_after().seconds(), 0);
  EXPECT_TRUE(Issue(Token()).has_grant());
  EXPECT_FALSE(Audit().torn_tail);
}

TEST_F(BrokerTest, ContinuesTheAuditChainAfterARestart) {
  ASSERT_TRUE(Issue(Token()).has_grant());
  broker_->Stop();
  broker_.reset();
  StartBroker();

  ASSERT_TRUE(Issue(Token()).has_grant());

  EXPECT_EQ(Audit().records, 2U);
}

TEST_F(BrokerTest, DoesNotStartBesideAnotherOnTheSameAuditDirectory) {
  BrokerOptions options;
  options.listen_address = "127.0.0.1:0";
  options.admin_address = "127.0.0.1:0";
  options.resource_directory = dir_ / "resources";
  options.audit.directory = dir_ / "audit";
  options.root_keys = testing_support::ShareRootKeys("r");
  Broker second(std::move(options), log_);

  const Result<Done> started = second.Start();

  ASSERT_FALSE(started.has_value());
  EXPECT_THAT(started.error().message, ::testing::HasSubstr("another broker writes here"));
}

}  // namespace
}  // namespace connector::broker::app
