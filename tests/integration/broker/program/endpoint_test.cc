// Who may call what, what IssueToken answers, and how the endpoint starts and stops.

#include "tests/integration/broker/program/endpoint_fixture.h"
#include "tests/support/cpp/tcp_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

namespace connector::broker::api {
namespace {

using ::testing::ElementsAre;

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

TEST_F(EndpointTest, RecordsWhichReplicaAsked) {
  const auto stub = StubOf("spiffe://oci-connector.local/dataplane/pod-1");

  EXPECT_TRUE(Issue(*stub, Pull("team-a/app")).has_grant());
  EXPECT_EQ(audit_.events().at(0).peer, "spiffe://oci-connector.local/dataplane/pod-1");
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
