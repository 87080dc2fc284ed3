#pragma once

// The broker's gRPC endpoint on real sockets with real TLS. Only minting is played.

#include "broker/api/broker_endpoint.h"
#include "common/broker_client/channel.h"
#include "common/grpc/credentials.h"
#include "common/log/log.h"
#include "common/x509/x509_certificates.h"
#include "tests/integration/broker/program/every_method.h"
#include "tests/support/cpp/fake_audit_log.h"
#include "tests/support/cpp/fake_clock.h"
#include "tests/support/cpp/root_keys.h"
#include "tests/support/cpp/scratch_dir.h"
#include "tests/support/cpp/test_ca.h"
#include "tests/unit/broker/api/fakes.h"

#include "proto/connector/broker/v1/broker.grpc.pb.h"

#include <boost/asio/executor_work_guard.hpp>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace connector::broker::api {

inline constexpr const char* kDataplane = "spiffe://oci-connector.local/dataplane";
inline constexpr const char* kReplicas = "spiffe://oci-connector.local/dataplane/*";
inline constexpr const char* kOperator = "spiffe://oci-connector.local/operator";

class EndpointTest : public ::testing::Test {
 protected:
  EndpointTest() {
    verifier_.Accept("builder-token", ServiceAccountCaller("ci", "builder", WallTime::max()));
    tokens_.SetNotAfter(clock_.Now() + std::chrono::minutes(5));
    Publish({"harbor"});
    const auto server = ca_.Issue({.names = {"DNS:connector-broker"}});
    testing_support::ReplaceFile(dir_ / "server.crt", server.certificate_pem);
    testing_support::ReplaceFile(dir_ / "server.key", server.key_pem);
    testing_support::ReplaceFile(dir_ / "ca.crt", ca_.pem());
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
    testing_support::ReplaceFile(dir_ / (name + ".crt"), identity.certificate_pem);
    testing_support::ReplaceFile(dir_ / (name + ".key"), identity.key_pem);
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
    return PullRequest<v1::IssueTokenRequest>(repository);
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
  std::vector<grpc::StatusCode> CodesOf(const std::string& uri) {
    return CodesOfEveryMethod(*StubOf(uri), listener_key_.get());
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
  const root_key::ActiveRootKeys root_keys_{testing_support::ShareRootKeys("r")};
  const SealingKeySource sealing_keys_{root_keys_, clock_};
  const listener_authority::ListenerAuthorityOptions authority_options_{{"svc"}, {}};
  std::shared_ptr<const listener_authority::ListenerAuthority> authority_ =
      *listener_authority::ListenerAuthority::Make(*root_keys_.Current(), {"svc"});
  ListenerCertificateHandler listeners_{
      {authority_, authority_options_, &catalog_, &audit_, &clock_, &log_}};
  x509::KeyPtr listener_key_ = *x509::MakeEcKey();
  deny_list::ActiveDenyList deny_list_;
  std::unique_ptr<BrokerEndpoint> endpoint_;
  std::array<std::thread, 2> threads_;
  int clients_ = 0;
};

inline constexpr auto kOk = grpc::StatusCode::OK;
inline constexpr auto kNo = grpc::StatusCode::PERMISSION_DENIED;

}  // namespace connector::broker::api
