#include "common/admin/admin_server.h"

#include "tests/support/cpp/result_matchers.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace connector::admin {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using testing_support::HasErrorMessage;
using testing_support::HasValue;

AdminOptions Options(std::string address) {
  return {.address = std::move(address),
          .readiness = [] { return Readiness{}; },
          .collectables = {},
          .status_json = [] { return std::string("{}"); },
          .title = "connector-test"};
}

// A connection to the server under test.
class Client {
 public:
  // `from` is one of the addresses of the loopback network.
  explicit Client(std::uint16_t port, const char* from = "127.0.0.1") {
    socket_.open(tcp::v4(), failed_);
    socket_.bind({asio::ip::make_address(from), 0}, failed_);
    socket_.connect({asio::ip::address_v4::loopback(), port}, failed_);
  }

  void Send(std::string_view bytes) { asio::write(socket_, asio::buffer(bytes), failed_); }

  // All that the server sends until it closes the connection, in whichever way.
  std::string ReadToEnd() {
    std::string out;
    asio::read(socket_, asio::dynamic_buffer(out), failed_);
    return out;
  }

  std::string Ask(std::string_view request) {
    Send(request);
    return ReadToEnd();
  }

 private:
  asio::io_context io_;
  tcp::socket socket_{io_};
  boost::system::error_code failed_;
};

class AdminServerTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_THAT(server_.Start(), HasValue(Done{})); }

  AdminServer server_{Options("127.0.0.1:0")};
};

TEST_F(AdminServerTest, AnswersAGetAndClosesTheConnection) {
  EXPECT_THAT(Client(server_.port()).Ask("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), EndsWith("\r\n\r\nok\n")));
}

TEST_F(AdminServerTest, AnswersAHeadWithoutABody) {
  EXPECT_THAT(
      Client(server_.port()).Ask("HEAD /livez HTTP/1.1\r\nHost: a\r\n\r\n"),
      AllOf(
          StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("Content-Length: 3"), EndsWith("\r\n\r\n")));
}

TEST_F(AdminServerTest, ReadsAHeadThatComesInPieces) {
  Client client(server_.port());
  client.Send("GET /li");
  client.Send("vez HTTP/1.0\r");

  EXPECT_THAT(client.Ask("\n\r\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(AdminServerTest, RefusesAMethodThatCouldChangeSomethingWithoutReadingItsBody) {
  EXPECT_THAT(Client(server_.port())
                  .Ask("POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nx"),
              StartsWith("HTTP/1.1 405 Method Not Allowed\r\n"));
}

TEST_F(AdminServerTest, RefusesALongHead) {
  const std::string head =
      "GET /livez HTTP/1.1\r\nX: " + std::string(kMaxHeadBytes, 'x') + "\r\n\r\n";

  EXPECT_THAT(Client(server_.port()).Ask(head), StartsWith("HTTP/1.1 431 "));
}

TEST_F(AdminServerTest, RefusesWhatIsNotHttp) {
  EXPECT_THAT(Client(server_.port()).Ask(std::string("\x16\x03\x01\x02", 4)),
              StartsWith("HTTP/1.1 400 Bad Request\r\n"));
}

TEST_F(AdminServerTest, ClosesTheOldestConnectionWhenThereAreTooMany) {
  std::vector<std::unique_ptr<Client>> waiting;
  for (std::size_t i = 0; i <= kMaxConnections; ++i) {
    waiting.push_back(std::make_unique<Client>(server_.port()));
  }

  EXPECT_THAT(waiting.front()->ReadToEnd(), IsEmpty());
  EXPECT_THAT(waiting[1]->Ask("GET /livez HTTP/1.1\r\n\r\n"), HasSubstr(" 200 OK"));
  EXPECT_THAT(waiting.back()->Ask("GET /livez HTTP/1.1\r\n\r\n"), HasSubstr(" 200 OK"));
}

TEST_F(AdminServerTest, KeepsTheConnectionOfAnAddressThatHasFew) {
  Client probe(server_.port(), "127.0.0.2");
  probe.Send("GET /livez HTTP/1.1\r\n");
  std::vector<std::unique_ptr<Client>> silent;
  for (std::size_t i = 0; i < 2 * kMaxConnections; ++i) {
    silent.push_back(std::make_unique<Client>(server_.port()));
  }
  EXPECT_THAT(silent.front()->ReadToEnd(), IsEmpty());

  EXPECT_THAT(probe.Ask("\r\n"), HasSubstr(" 200 OK"));
}

TEST_F(AdminServerTest, TakesConnectionsAgainOnceOthersHaveEnded) {
  for (std::size_t i = 0; i < 2 * kMaxConnections; ++i) {
    ASSERT_THAT(Client(server_.port()).Ask("GET /livez HTTP/1.1\r\n\r\n"), HasSubstr(" 200 OK"));
  }
}

TEST_F(AdminServerTest, StopClosesTheConnectionsThatWait) {
  Client waiting(server_.port());
  ASSERT_THAT(Client(server_.port()).Ask("GET /livez HTTP/1.1\r\n\r\n"), HasSubstr(" 200 OK"));

  server_.Stop();

  EXPECT_THAT(waiting.ReadToEnd(), IsEmpty());
  EXPECT_THAT(Client(server_.port()).Ask("GET /livez HTTP/1.1\r\n\r\n"), IsEmpty());
}

TEST(AdminServer, ClosesAConnectionThatSendsItsHeadTooSlowly) {
  AdminOptions options = Options("127.0.0.1:0");
  options.head_timeout = std::chrono::milliseconds(20);
  AdminServer server(std::move(options));
  ASSERT_THAT(server.Start(), HasValue(Done{}));
  Client client(server.port());
  client.Send("GET /livez HTTP/1.1\r\n");

  EXPECT_THAT(client.ReadToEnd(), IsEmpty());
}

TEST(AdminServer, ListensOnIpv4Ipv6AndLocalhost) {
  for (const char* address : {"127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "localhost:0"}) {
    AdminServer server(Options(address));
    EXPECT_THAT(server.Start(), HasValue(Done{})) << address;
    EXPECT_NE(server.port(), 0) << address;
  }
}

TEST(AdminServer, RefusesAnAddressThatItCannotRead) {
  for (const char* address : {"",
                              "127.0.0.1",
                              ":9090",
                              "::1:9090",
                              "127.0.0.1:",
                              "127.0.0.1:70000",
                              "127.0.0.1:90x",
                              "[127.0.0.1]:0",
                              "[::1:0",
                              "example.com:9090"}) {
    EXPECT_THAT(
        AdminServer(Options(address)).Start(),
        HasErrorMessage(ErrorCode::kInvalidArgument,
                        HasSubstr("admin address \"" + std::string(address) + "\" must be")))
        << address;
  }
}

TEST(AdminServer, SaysWhichAddressIsTaken) {
  AdminServer first(Options("127.0.0.1:0"));
  ASSERT_THAT(first.Start(), HasValue(Done{}));
  const std::string address = "127.0.0.1:" + std::to_string(first.port());

  EXPECT_THAT(AdminServer(Options(address)).Start(),
              HasErrorMessage(ErrorCode::kUnavailable,
                              AllOf(HasSubstr(address), HasSubstr("Address already in use"))));
}

}  // namespace
}  // namespace connector::admin
