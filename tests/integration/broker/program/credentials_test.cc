// Who gets through the broker's TLS, on real sockets.

#include "common/grpc/credentials.h"

#include "common/grpc/peer.h"
#include "tests/integration/broker/program/tls_client.h"
#include "tests/support/cpp/scratch_dir.h"
#include "tests/support/cpp/test_ca.h"

#include "proto/connector/broker/v1/broker.grpc.pb.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

namespace connector::broker {
namespace {

using ::testing::ElementsAre;
using testing_support::ReplaceFile;
using testing_support::ScratchDir;
using testing_support::TestCa;
using testing_support::TlsIdentity;

// Answers CheckConnector with the peer's names, one step each.
class NamesService final : public v1::Broker::CallbackService {
 public:
  grpc::ServerUnaryReactor* CheckConnector(grpc::CallbackServerContext* context,
                                           const v1::CheckConnectorRequest*,
                                           v1::CheckConnectorResponse* response) override {
    for (const std::string& name : grpc_support::PeerSans(*context)) {
      response->add_steps()->set_name(name);
    }
    auto* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

class CredentialsTest : public ::testing::Test {
 protected:
  CredentialsTest() {
    grpc_support::RequireTls13ForGrpc();
    WriteServer(ca_);
    grpc::ServerBuilder builder;
    builder.AddListeningPort(
        "127.0.0.1:0",
        grpc_support::MakeServerCredentials(ServerFiles(), std::chrono::seconds(1)),
        &port_);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
  }
  ~CredentialsTest() override { server_->Shutdown(std::chrono::system_clock::now()); }

  void WriteServer(const TestCa& issuer) {
    const TlsIdentity server = issuer.Issue({.names = {"DNS:connector-broker"}});
    ReplaceFile(dir_ / "server.key", server.key_pem);
    ReplaceFile(dir_ / "server.crt", server.certificate_pem);
    ReplaceFile(dir_ / "ca.crt", ca_.pem());
  }
  grpc_support::TlsFiles ServerFiles() {
    return {dir_ / "server.crt", dir_ / "server.key", dir_ / "ca.crt"};
  }
  std::uint16_t port() const { return static_cast<std::uint16_t>(port_); }

  grpc::Status Call(const TlsIdentity& client,
                    const TestCa& trusted,
                    const std::string& server_name,
                    std::vector<std::string>& names) {
    ReplaceFile(dir_ / "client.key", client.key_pem);
    ReplaceFile(dir_ / "client.crt", client.certificate_pem);
    ReplaceFile(dir_ / "trusted.crt", trusted.pem());
    const auto channel =
        grpc_support::MakeChannel("ipv4:127.0.0.1:" + std::to_string(port_),
                                  {dir_ / "client.crt", dir_ / "client.key", dir_ / "trusted.crt"},
                                  server_name,
                                  grpc::ChannelArguments());
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    v1::CheckConnectorResponse response;
    const auto stub = v1::Broker::NewStub(channel);
    const grpc::Status status = stub->CheckConnector(&context, {}, &response);
    for (const auto& step : response.steps()) {
      names.push_back(step.name());
    }
    return status;
  }

  TestCa ca_;
  ScratchDir dir_;
  NamesService service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

const std::vector<std::string> kDataplaneSans = {"URI:spiffe://oci-connector.local/dataplane",
                                                 "DNS:dataplane"};

TEST_F(CredentialsTest, LetAClientOfTheCaThroughAndNameIt) {
  std::vector<std::string> names;
  const grpc::Status status =
      Call(ca_.Issue({.names = kDataplaneSans}), ca_, "connector-broker", names);

  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_THAT(names, ElementsAre("spiffe://oci-connector.local/dataplane", "dataplane"));
}

TEST_F(CredentialsTest, RefuseAClientOfAnotherCa) {
  std::vector<std::string> names;
  const TestCa other;
  const grpc::Status status =
      Call(other.Issue({.names = kDataplaneSans}), ca_, "connector-broker", names);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(CredentialsTest, RefuseAnExpiredClient) {
  std::vector<std::string> names;
  const grpc::Status status = Call(ca_.Issue({.names = kDataplaneSans, .valid_to_seconds = -60}),
                                   ca_,
                                   "connector-broker",
                                   names);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(CredentialsTest, RefuseAServerOfAnotherName) {
  std::vector<std::string> names;
  const grpc::Status status =
      Call(ca_.Issue({.names = kDataplaneSans}), ca_, "another-broker", names);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(CredentialsTest, RefuseAServerOfAnotherCa) {
  std::vector<std::string> names;
  const TestCa other;
  const grpc::Status status =
      Call(ca_.Issue({.names = kDataplaneSans}), other, "connector-broker", names);

  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(CredentialsTest, SpeakTls13ToAClientWithACertificate) {
  const TlsOutcome outcome = TryTls(port(), {.certificate = ca_.Issue({.names = kDataplaneSans})});

  EXPECT_TRUE(outcome.handshake);
  EXPECT_EQ(outcome.version, TLS1_3_VERSION);
  EXPECT_GT(outcome.received_bytes, 0U) << "the control of the two tests below";
}

TEST_F(CredentialsTest, RefuseTls12) {
  const TlsOutcome outcome = TryTls(
      port(), {.max_version = TLS1_2_VERSION, .certificate = ca_.Issue({.names = kDataplaneSans})});

  EXPECT_FALSE(outcome.handshake);
}

// With TLS 1.3 a client is done before the server has seen its certificate, or that it has none.
TEST_F(CredentialsTest, ShowNoHttp2ByteToAClientWithoutACertificate) {
  EXPECT_EQ(TryTls(port(), {}).received_bytes, 0U);
}

TEST_F(CredentialsTest, TakeUpAChangedCaAndCertificateWithoutARestart) {
  const TestCa next;
  ReplaceFile(dir_ / "ca.crt", next.pem());
  const TlsAttempt attempt{.certificate = next.Issue({.names = kDataplaneSans})};

  std::size_t received = 0;
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (received == 0 && std::chrono::steady_clock::now() < give_up) {
    received = TryTls(port(), attempt).received_bytes;
  }

  EXPECT_GT(received, 0U);
  EXPECT_EQ(TryTls(port(), {.certificate = ca_.Issue({.names = kDataplaneSans})}).received_bytes,
            0U)
      << "the old CA is no longer trusted";
}

}  // namespace
}  // namespace connector::broker
