#include "common/curl/curl_connection.h"

#include "tests/support/cpp/http_server.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/test_ca.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace connector::curl {
namespace {

using ::testing::HasSubstr;
using testing_support::HasErrorMessage;
using testing_support::HasValue;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::HttpServer;
using testing_support::TestCa;
using testing_support::TlsSetup;

Deadline Soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(20);
}

// The only receiver of bytes at hand answers, which a connection of one direction does not mind.
HttpServer::Handler Nothing() {
  return [](const HttpRequest&) { return HttpAnswer{}; };
}

auto ConnectTo(const HttpServer& server, const TestCa& trusted) {
  return CurlConnection::Connect(
      {.peer = *http::ParseOrigin(server.address()), .ca_pem = trusted.pem()}, Soon());
}

TEST(CurlConnection, CarriesBytesOverTls) {
  const TestCa ca;
  const HttpServer server(Nothing(), TlsSetup{ca.Issue()});
  auto connection = ConnectTo(server, ca);
  ASSERT_TRUE(connection) << connection.error().message;

  EXPECT_THAT((*connection)->Send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n", Soon()),
              HasValue(Done{}));

  const Deadline until = Soon();
  while (server.requests().empty() && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  ASSERT_EQ(server.requests().size(), 1U);
  EXPECT_EQ(server.requests().front().target, "/first");
}

TEST(CurlConnection, RefusesAPeerWhoseCertificateDoesNotHold) {
  const TestCa ca;
  const HttpServer stranger(Nothing(), TlsSetup{TestCa().Issue()});
  const HttpServer other(Nothing(), TlsSetup{ca.Issue({.names = {"DNS:other.example"}})});
  const HttpServer unnamed(Nothing(), TlsSetup{ca.Issue({.names = {}})});

  EXPECT_THAT(ConnectTo(stranger, ca),
              HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("is not trusted")));
  EXPECT_THAT(ConnectTo(other, ca),
              HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("is for another name")));
  EXPECT_THAT(ConnectTo(unnamed, ca),
              HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("no subject alternative name")));
}

TEST(CurlConnection, NoticesThatThePeerIsGone) {
  const TestCa ca;
  auto server = std::make_unique<HttpServer>(Nothing(), TlsSetup{ca.Issue()});
  auto connection = ConnectTo(*server, ca);
  ASSERT_TRUE(connection);
  server.reset();

  EXPECT_THAT((*connection)->Send("a", Soon()),
              HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("localhost")));
}

}  // namespace
}  // namespace connector::curl
