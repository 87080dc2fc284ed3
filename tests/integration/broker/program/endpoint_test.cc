// The broker's gRPC endpoint on real sockets with real TLS: who may call what, what IssueToken
// answers, and what WatchRoutes streams. Only minting is played.

#include "broker/api/broker_endpoint.h"
#include "common/broker_client/channel.h"
#include "common/grpc/credentials.h"
#include "common/log/log.h"
#include "common/x509/x509_certificates.h"
#include "tests/support/cpp/fake_audit_log.h"
#include "tests/support/cpp/fake_clock.h"
#include "tests/support/cpp/scratch_dir.h"
#include "tests/support/cpp/tcp_gate.h"
#include "tests/support/cpp/test_ca.h"
#include "tests/unit/broker/api/fakes.h"

#include "proto/connector/broker/v1/broker.grpc.pb.h"

#include <boost/asio/executor_work_guard.hpp>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

namespace connector::broker::api {
namespace {

using ::testing::ElementsAre;
using testing_support::ReplaceFile;

constexpr const char* kDataplane = "spiffe://oci-connector.local/dataplane";
constexpr const char* kReplicas = "spiffe://oci-connector.local/dataplane/*";
constexpr const char* kOperator = "spiffe://oci-connector.local/operator";

class EndpointTest : public ::testing::Test {
 protected:
  EndpointTest() {
    verifier_.Accept("builder-token", ServiceAccountCaller("ci", "builder", WallTime::max()));
    tokens_.SetNotAfter(clock_.Now() + std::chrono::minutes(5));
    Publish({"harbor"});
    const auto server = ca_.Issue({.names = {"DNS:connector-broker"}});
    ReplaceFile(dir_ / "server.crt", server.certificate_pem);
    ReplaceFile(dir_ / "server.key", server.key_pem);
    ReplaceFile(dir_ / "ca.crt", ca_.pem());
    auto endpoint =
        BrokerEndpoint::Start({.listen_address = "127.0.0.1:0",
                               .tls = {dir_ / "server.crt", dir_ / "server.key", dir_ / "ca.crt"},
                               .peers = {{kDataplane, kReplicas}, {kOperator}}},
                              {.io = &io_,
                               .issue = &issue_,
                               .operators = &operators_,
                               .watch = &hub_,
                               .sealing_keys = &sealing_keys_,
                               .log = &log_,
                               .listeners = &listeners_,
                               .deny_list = &deny_list_});
    endpoint_ = endpoint ? std::move(*endpoint) : nullptr;
    for (std::thread& thread : threads_) {
      thread = std::thread([this] { io_.run(); });
    }
  }
  ~EndpointTest() override {
    endpoint_->Stop(std::chrono::milliseconds(0));
    work_.reset();
    for (std::thread& thread : threads_) {
      thread.join();
    }
  }

  void Publish(const std::vector<std::string>& names) {
    std::vector<std::shared_ptr<const connectors::CatalogEntry>> entries;
    for (const std::string& name : names) {
      entries.push_back(EntryOf(HarborConnector("default", name, {{"ci", "builder"}})));
    }
    catalog_.Replace(SnapshotOf(entries));
  }
  grpc_support::TlsFiles FilesOf(const std::string& uri) {
    const auto identity = ca_.Issue({.names = {"URI:" + uri}});
    const std::string name = std::to_string(++clients_);
    ReplaceFile(dir_ / (name + ".crt"), identity.certificate_pem);
    ReplaceFile(dir_ / (name + ".key"), identity.key_pem);
    return {dir_ / (name + ".crt"), dir_ / (name + ".key"), dir_ / "ca.crt"};
  }
  std::shared_ptr<grpc::Channel> ChannelOf(const std::string& uri,
                                           const std::string& service_config = "") {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    if (!service_config.empty()) {
      arguments.SetServiceConfigJSON(service_config);
    }
    return grpc_support::MakeChannel("ipv4:127.0.0.1:" + std::to_string(endpoint_->port()),
                                     FilesOf(uri),
                                     "connector-broker",
                                     arguments);
  }
  std::unique_ptr<v1::Broker::Stub> StubOf(const std::string& uri) {
    return v1::Broker::NewStub(ChannelOf(uri));
  }
  static void SetDeadline(grpc::ClientContext& context) {
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  }
  static v1::IssueTokenRequest Pull(const std::string& repository) {
    v1::IssueTokenRequest request;
    request.mutable_connector()->set_namespace_("default");
    request.mutable_connector()->set_name("harbor");
    request.set_caller_token("builder-token");
    v1::Scope& scope = *request.add_scopes();
    scope.set_repository(repository);
    scope.add_actions(v1::ACTION_PULL);
    return request;
  }
  static v1::IssueTokenResponse Issue(v1::Broker::Stub& stub,
                                      const v1::IssueTokenRequest& request,
                                      grpc::StatusCode expected = grpc::StatusCode::OK) {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::IssueTokenResponse response;
    const grpc::Status status = stub.IssueToken(&context, request, &response);
    EXPECT_EQ(status.error_code(), expected) << status.error_message();
    return response;
  }
  static v1::GetSealingKeysResponse SealingKeys(v1::Broker::Stub& stub, grpc::StatusCode& code) {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::GetSealingKeysResponse response;
    code = stub.GetSealingKeys(&context, {}, &response).error_code();
    return response;
  }
  // The codes of IssueToken, WatchRoutes, GetSealingKeys, CheckConnector, ExplainAccess,
  // IssueListenerCertificate and GetListenerAuthority, in this order.
  std::vector<grpc::StatusCode> CodesOf(const std::string& uri) {
    const auto stub = StubOf(uri);
    std::vector<grpc::StatusCode> codes;
    {
      grpc::ClientContext context;
      SetDeadline(context);
      v1::IssueTokenResponse response;
      codes.push_back(stub->IssueToken(&context, Pull("team-a/app"), &response).error_code());
    }
    {
      grpc::ClientContext context;
      SetDeadline(context);
      const auto stream = stub->WatchRoutes(&context, {});
      v1::WatchRoutesResponse response;
      const bool served = stream->Read(&response);
      if (served) {
        context.TryCancel();
      }
      const grpc::StatusCode code = stream->Finish().error_code();
      codes.push_back(served ? grpc::StatusCode::OK : code);
    }
    {
      const v1::GetSealingKeysResponse response = SealingKeys(*stub, codes.emplace_back());
      EXPECT_EQ(response.keys().empty(), codes.back() != grpc::StatusCode::OK);
    }
    {
      grpc::ClientContext context;
      SetDeadline(context);
      v1::CheckConnectorRequest request;
      request.mutable_connector()->set_namespace_("default");
      request.mutable_connector()->set_name("harbor");
      v1::CheckConnectorResponse response;
      codes.push_back(stub->CheckConnector(&context, request, &response).error_code());
    }
    {
      grpc::ClientContext context;
      SetDeadline(context);
      v1::ExplainAccessRequest request;
      request.mutable_connector()->set_namespace_("default");
      request.mutable_connector()->set_name("harbor");
      v1::ExplainAccessResponse response;
      codes.push_back(stub->ExplainAccess(&context, request, &response).error_code());
    }
    {
      grpc::ClientContext context;
      SetDeadline(context);
      v1::IssueListenerCertificateRequest request;
      request.set_host("c-harbor.default.svc");
      request.set_certificate_request(*x509::MakeKeyProof(listener_key_.get()));
      v1::IssueListenerCertificateResponse response;
      codes.push_back(stub->IssueListenerCertificate(&context, request, &response).error_code());
    }
    {
      grpc::ClientContext context;
      SetDeadline(context);
      v1::GetListenerAuthorityResponse response;
      codes.push_back(stub->GetListenerAuthority(&context, {}, &response).error_code());
    }
    return codes;
  }
  static Task<v1::CheckConnectorResponse> Probe(
      std::shared_ptr<const connectors::CatalogEntry> /*entry*/, Deadline /*deadline*/) {
    co_return v1::CheckConnectorResponse();
  }

  testing_support::TestCa ca_;
  testing_support::ScratchDir dir_;
  testing_support::FakeClock clock_;
  connectors::Catalog catalog_;
  FakeVerifier verifier_;
  FakeTokens tokens_;
  testing_support::FakeAuditLog audit_;
  log::Logger log_{2, "test", log::Level::kError};
  asio::io_context io_;
  asio::executor_work_guard<Executor> work_{io_.get_executor()};
  IssueTokenHandler issue_{{&catalog_, &verifier_, &tokens_, &audit_, &clock_, &log_}};
  OperatorHandler operators_{{.catalog = &catalog_,
                              .verifier = &verifier_,
                              .probe = &EndpointTest::Probe,
                              .log = &log_,
                              .audit = &audit_,
                              .clock = &clock_}};
  WatchHub hub_{catalog_};
  const SealingKeySource sealing_keys_{Secret(std::string(32, 'r')), clock_};
  const listener_authority::ListenerAuthorityOptions authority_options_{{"svc"}, {}};
  std::unique_ptr<listener_authority::ListenerAuthority> authority_ =
      *listener_authority::ListenerAuthority::Make(Secret(std::string(32, 'r')), {"svc"});
  ListenerCertificateHandler listeners_{
      {authority_.get(), authority_options_, &catalog_, &audit_, &clock_, &log_}};
  x509::KeyPtr listener_key_ = *x509::MakeEcKey();
  deny_list::ActiveDenyList deny_list_;
  std::unique_ptr<BrokerEndpoint> endpoint_;
  std::array<std::thread, 2> threads_;
  int clients_ = 0;
};

constexpr auto kOk = grpc::StatusCode::OK;
constexpr auto kNo = grpc::StatusCode::PERMISSION_DENIED;

TEST_F(EndpointTest, LetsEachPeerCallOnlyTheMethodsOfItsList) {
  EXPECT_THAT(CodesOf(kDataplane), ElementsAre(kOk, kOk, kOk, kNo, kNo, kOk, kOk));
  EXPECT_THAT(CodesOf(kOperator), ElementsAre(kNo, kNo, kNo, kOk, kOk, kNo, kOk));
  EXPECT_THAT(CodesOf("spiffe://oci-connector.local/other"),
              ElementsAre(kNo, kNo, kNo, kNo, kNo, kNo, kNo));
}

TEST_F(EndpointTest, GrantsAndDenies) {
  const auto stub = StubOf(kDataplane);

  EXPECT_EQ(Issue(*stub, Pull("team-a/app")).grant().credential().value(), "upstream-token");
  EXPECT_EQ(Issue(*stub, Pull("team-b/app")).denial().reason(), v1::DENIAL_REASON_ACCESS_DENIED);
  ASSERT_EQ(audit_.events().size(), 2U);
  EXPECT_EQ(audit_.events()[0].peer, kDataplane);
}

TEST_F(EndpointTest, CertifiesAListenerForTheHostOfAConnectorAlone) {
  const auto stub = StubOf(kDataplane);
  const auto certify = [&](const std::string& host) {
    grpc::ClientContext context;
    SetDeadline(context);
    v1::IssueListenerCertificateRequest request;
    request.set_host(host);
    request.set_certificate_request(*x509::MakeKeyProof(listener_key_.get()));
    v1::IssueListenerCertificateResponse response;
    const grpc::Status status = stub->IssueListenerCertificate(&context, request, &response);
    const x509::CertificatePtr certificate = x509::ReadCertificateDer(response.certificate());
    return certificate == nullptr ? std::to_string(status.error_code())
                                  : x509::NamesOf(certificate.get()).front();
  };

  EXPECT_EQ(certify("c-harbor.default.svc"), "DNS:c-harbor.default.svc");
  EXPECT_EQ(certify("c-quay.default.svc"), std::to_string(grpc::StatusCode::NOT_FOUND));
}

TEST_F(EndpointTest, IssuesNothingToADataPlaneWithoutACaller) {
  // Not even where a verifier would take a caller that is nobody.
  verifier_.Accept("", ServiceAccountCaller("ci", "builder", WallTime::max()));
  const auto stub = StubOf(kDataplane);
  v1::IssueTokenRequest request = Pull("team-a/app");
  for (const char* const token : {"", "of-nobody"}) {
    request.set_caller_token(token);
    EXPECT_EQ(Issue(*stub, request).denial().reason(), v1::DENIAL_REASON_CALLER_UNAUTHENTICATED);
  }
  EXPECT_EQ(tokens_.calls(), 0U);
}

TEST_F(EndpointTest, RefusesAMessageThatIsTooLarge) {
  const auto stub = StubOf(kDataplane);
  v1::IssueTokenRequest request = Pull("team-a/app");
  request.set_request_id(std::string(kMaxReceivedMessageBytes, 'x'));

  Issue(*stub, request, grpc::StatusCode::RESOURCE_EXHAUSTED);
}

// One open WatchRoutes stream.
class Watch {
 public:
  explicit Watch(v1::Broker::Stub& stub) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    stream_ = stub.WatchRoutes(&context_, {});
  }
  ~Watch() {
    context_.TryCancel();
    if (stream_) {
      Finish();
    }
  }
  std::optional<v1::WatchRoutesResponse> Next() {
    v1::WatchRoutesResponse response;
    return stream_->Read(&response) ? std::optional(response) : std::nullopt;
  }
  grpc::Status Finish() {
    v1::WatchRoutesResponse ignored;
    while (stream_->Read(&ignored)) {
    }
    const grpc::Status status = stream_->Finish();
    stream_.reset();
    return status;
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchRoutesResponse>> stream_;
};

std::vector<std::string> RouteNames(const v1::WatchRoutesResponse& response) {
  std::vector<std::string> names;
  for (const v1::Route& route : response.routes()) {
    names.push_back(route.connector().name());
  }
  for (const v1::ConnectorRef& ref : response.removed()) {
    names.push_back("-" + ref.name());
  }
  return names;
}

TEST_F(EndpointTest, RecordsWhichReplicaAsked) {
  const auto stub = StubOf("spiffe://oci-connector.local/dataplane/pod-1");

  EXPECT_TRUE(Issue(*stub, Pull("team-a/app")).has_grant());
  EXPECT_EQ(audit_.events().at(0).peer, "spiffe://oci-connector.local/dataplane/pod-1");
}

TEST_F(EndpointTest, EndsTheStreamAndRefusesTheCallsOfADeniedReplicaAlone) {
  deny_list_.OnReplace(
      [this](const deny_list::ActiveDenyList::ListPtr& list) { hub_.TakeDenyList(list); });
  const std::string bad = "spiffe://oci-connector.local/dataplane/pod-1";
  const std::string good = "spiffe://oci-connector.local/dataplane/pod-2";
  const auto stub = StubOf(bad);
  Watch watch(*stub);
  ASSERT_TRUE(watch.Next().has_value());

  const std::vector<deny_list::DeniedEntry> entries{{deny_list::DeniedKind::kDataplane, bad}};
  deny_list_.Replace(
      std::make_shared<const deny_list::DenyList>(entries, clock_.Now(), "root-key"));

  EXPECT_EQ(watch.Finish().error_code(), kNo);
  Issue(*stub, Pull("team-a/app"), kNo);
  EXPECT_THAT(CodesOf(bad), ElementsAre(kNo, kNo, kNo, kNo, kNo, kNo, kNo));
  EXPECT_THAT(CodesOf(good), ElementsAre(kOk, kOk, kOk, kNo, kNo, kOk, kOk));
  // The two calls of operators were refused for another reason.
  EXPECT_EQ(deny_list_.TakeRefusedPeers(), (std::map<std::string, std::uint64_t>{{bad, 6}}));
}

TEST_F(EndpointTest, StreamsASnapshotThenChanges) {
  const auto stub = StubOf(kDataplane);
  Watch watch(*stub);

  const auto first = watch.Next();
  ASSERT_TRUE(first.has_value());
  EXPECT_TRUE(first->snapshot());
  EXPECT_THAT(RouteNames(*first), ElementsAre("harbor"));

  Publish({"harbor", "quay"});
  const auto second = watch.Next();
  ASSERT_TRUE(second.has_value());
  EXPECT_FALSE(second->snapshot());
  EXPECT_THAT(RouteNames(*second), ElementsAre("quay"));

  Publish({"quay"});
  const auto third = watch.Next();
  ASSERT_TRUE(third.has_value());
  EXPECT_THAT(RouteNames(*third), ElementsAre("-harbor"));
}

TEST_F(EndpointTest, GivesASlowWatcherTheNewestStateOnly) {
  const auto stub = StubOf(kDataplane);
  Watch watch(*stub);
  ASSERT_TRUE(watch.Next().has_value());
  constexpr int kChanges = 20000;
  for (int i = 0; i < kChanges; ++i) {
    resource::Connector connector = HarborConnector("default", "harbor", {});
    connector.upstream.redirects.hosts.assign(20, std::string(50, 'h'));
    catalog_.Replace(SnapshotOf({EntryOf(connector, std::to_string(i))}));
  }
  Publish({"harbor", "last"});

  int messages = 0;
  for (auto next = watch.Next(); next; next = watch.Next()) {
    ++messages;
    if (!RouteNames(*next).empty() && RouteNames(*next).back() == "last") {
      break;
    }
  }
  EXPECT_LT(messages, kChanges) << "some were skipped, and the last was not";
}

TEST_F(EndpointTest, ForgetsAWatcherThatHangsUp) {
  const auto stub = StubOf(kDataplane);
  {
    Watch watch(*stub);
    ASSERT_TRUE(watch.Next().has_value());
    EXPECT_EQ(hub_.streams(), 1U);
  }
  while (hub_.streams() > 0) {
    std::this_thread::yield();
  }
  Publish({"quay"});
}

TEST_F(EndpointTest, EndsStreamsWhenItStops) {
  const auto stub = StubOf(kDataplane);
  Watch watch(*stub);
  ASSERT_TRUE(watch.Next().has_value());

  endpoint_->Stop(std::chrono::seconds(10));

  const grpc::Status status = watch.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "the broker is stopping") << "ended by itself, not cut off";
  EXPECT_EQ(hub_.streams(), 0U);
}

TEST_F(EndpointTest, SendsClientsElsewhereBeforeItEndsTheirStreams) {
  endpoint_->SetServing(true);
  const auto channel = ChannelOf(kDataplane,
                                 R"({"loadBalancingConfig": [{"round_robin": {}}],
                                     "healthCheckConfig": {"serviceName": ""}})");
  const auto stub = v1::Broker::NewStub(channel);
  Watch watch(*stub);
  ASSERT_TRUE(watch.Next().has_value());
  ASSERT_EQ(channel->GetState(false), GRPC_CHANNEL_READY);

  auto stop = std::async(std::launch::async, [&] { endpoint_->Stop(std::chrono::seconds(10)); });
  ASSERT_TRUE(channel->WaitForStateChange(
      GRPC_CHANNEL_READY, std::chrono::system_clock::now() + std::chrono::seconds(30)));

  EXPECT_EQ(hub_.streams(), 1U) << "it left because it was told, not because it was cut off";
  stop.get();
  EXPECT_EQ(watch.Finish().error_message(), "the broker is stopping");
}

TEST_F(EndpointTest, FinishesCallsThatAreUnderWayWhenItStops) {
  const auto stub = StubOf(kDataplane);
  std::promise<void> minting;
  std::promise<void> go_on;
  tokens_.DuringGet([&] {
    minting.set_value();
    go_on.get_future().wait();
  });
  auto call = std::async(std::launch::async, [&] { return Issue(*stub, Pull("team-a/app")); });
  minting.get_future().wait();

  auto stop = std::async(std::launch::async, [&] { endpoint_->Stop(std::chrono::seconds(20)); });
  go_on.set_value();

  EXPECT_EQ(call.get().grant().credential().value(), "upstream-token");
  stop.get();
}

TEST_F(EndpointTest, SaysThatAPortIsTaken) {
  const auto second =
      BrokerEndpoint::Start({.listen_address = "127.0.0.1:" + std::to_string(endpoint_->port()),
                             .tls = {dir_ / "server.crt", dir_ / "server.key", dir_ / "ca.crt"}},
                            {&io_, &issue_, &operators_, &hub_, &sealing_keys_, &log_});

  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
}

TEST_F(EndpointTest, SurvivesManyWatchersThatComeAndGoDuringChanges) {
  std::vector<std::thread> clients;
  for (int c = 0; c < 4; ++c) {
    auto stub = std::shared_ptr<v1::Broker::Stub>(StubOf(kDataplane));
    clients.emplace_back([stub] {
      for (int i = 0; i < 25; ++i) {
        Watch watch(*stub);
        if (i % 2 == 0) {
          EXPECT_TRUE(watch.Next().has_value());
        }
      }
    });
  }
  for (int i = 0; i < 200; ++i) {
    Publish({"harbor", "c" + std::to_string(i)});
  }
  for (std::thread& client : clients) {
    client.join();
  }
}

TEST_F(EndpointTest, HasTimeForAHandshake) {
  testing_support::TcpGate slow(endpoint_->port());
  const auto within = [](int seconds) {
    return std::chrono::system_clock::now() + std::chrono::seconds(seconds);
  };
  slow.Stall(true);
  const auto channel = broker_client::MakeBrokerChannel(
      {"ipv4:127.0.0.1:" + std::to_string(slow.port()), FilesOf(kDataplane), "connector-broker"},
      broker_client::ChannelUse::kOperator);

  EXPECT_FALSE(channel->WaitForConnected(within(1)));
  slow.Stall(false);
  EXPECT_TRUE(channel->WaitForConnected(within(20)));

  EXPECT_EQ(slow.connections(), 1U) << "it gave up a handshake, and began anew";
}

}  // namespace
}  // namespace connector::broker::api
