#include "broker/upstream_auth/upstream_client.h"

#include "tests/support/cpp/http_server.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/run_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

namespace connector::broker::upstream_auth {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::HttpServer;

// That of a cluster, in which `ranges` are named for plain HTTP too.
std::shared_ptr<const routing::UpstreamPolicy> InACluster(
    const std::vector<std::string>& ranges = {}) {
  routing::UpstreamPolicy policy;
  policy.unlisted = routing::Unlisted::kPublic;
  routing::UpstreamRule rule;
  rule.plain_http = true;
  rule.hosts = {"localhost"};
  for (const std::string& range : ranges) {
    rule.addresses.push_back(*routing::ParseRange(range));
  }
  policy.rules.push_back(std::move(rule));
  return std::make_shared<const routing::UpstreamPolicy>(std::move(policy));
}

// A port on which nobody listens, kept for the test.
class ClosedPort {
 public:
  ClosedPort() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~ClosedPort() { ::close(fd_); }
  ClosedPort(const ClosedPort&) = delete;
  ClosedPort& operator=(const ClosedPort&) = delete;
  [[nodiscard]] std::string port() const { return std::to_string(port_); }
  // From now on connections to it stay unanswered: as behind a filter.
  void Fill() {
    ASSERT_EQ(::listen(fd_, 0), 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port_);
    for (int& each : waiting_) {
      each = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      static_cast<void>(::connect(each, reinterpret_cast<sockaddr*>(&address), sizeof address));
    }
  }

 private:
  int fd_;
  std::uint16_t port_ = 0;
  std::vector<int> waiting_ = std::vector<int>(4, -1);  // Open to the end of the test.
};

class UpstreamClientTest : public ::testing::Test {
 protected:
  Result<curl::CurlResponse> Get(const std::string& origin,
                                 std::shared_ptr<const routing::UpstreamPolicy> policy) {
    curl::CurlRequest request;
    request.url = {*http::ParseOrigin(origin), "/v2/", ""};
    request.connect_timeout = std::chrono::milliseconds(200);
    return testing_support::RunTask(
        client_.Perform({{"shop", "harbor"}, std::move(policy)},
                        std::move(request),
                        std::chrono::steady_clock::now() + std::chrono::seconds(20)));
  }

  std::vector<std::string> causes_;
  UpstreamClient client_{[this](const ConnectorRef& connector, const std::string& cause) {
    causes_.push_back(connector.ToString() + " " + cause);
  }};
  HttpServer server_{[](const HttpRequest&) { return HttpAnswer{.status = 401}; }};
};

TEST_F(UpstreamClientTest, ConnectsWhatARuleNamesByAddress) {
  EXPECT_EQ(Get(server_.address(), InACluster({"127.0.0.0/8"}))->status, 401);
  EXPECT_THAT(causes_, IsEmpty());
}

TEST_F(UpstreamClientTest, ConnectsNoLoopbackHoweverItIsWritten) {
  const std::string port = ":" + std::to_string(server_.port());
  for (const char* host : {"127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]"}) {
    const auto answer =
        Get("http://" + std::string(host) + port, InACluster({"0.0.0.0/0", "::/0"}));

    ASSERT_FALSE(answer) << host;
    EXPECT_THAT(answer.error().message, HasSubstr("could not connect to")) << host;
  }
  for (const char* host : {"2130706433", "0x7f000001", "127.1", "0177.0.0.1", "0"}) {
    EXPECT_FALSE(http::ParseOrigin("http://" + std::string(host))) << "is no origin: " << host;
  }
  EXPECT_EQ(server_.connections(), 0U);
  EXPECT_THAT(causes_, ::testing::Each(HasSubstr("upstreamPolicy does not allow")));
}

TEST_F(UpstreamClientTest, ConnectsNothingWithoutTlsWhereNoRuleSaysSo) {
  routing::UpstreamPolicy policy;
  policy.unlisted = routing::Unlisted::kPublic;
  policy.rules.push_back({.addresses = {*routing::ParseRange("127.0.0.1")}});

  EXPECT_FALSE(Get(server_.address(), std::make_shared<const routing::UpstreamPolicy>(policy)));
  EXPECT_EQ(server_.connections(), 0U);
}

// Whoever writes Connectors would scan networks with the difference.
TEST_F(UpstreamClientTest, SaysTheSameHoweverNoConnectionCameAbout) {
  ClosedPort closed;
  ClosedPort filtered;
  filtered.Fill();
  const auto message = [&](const std::string& host,
                           const std::string& port,
                           std::shared_ptr<const routing::UpstreamPolicy> policy) {
    const auto answer = Get("http://" + host + ":" + port, std::move(policy));
    EXPECT_FALSE(answer);
    Error error = answer ? Error{} : answer.error();
    EXPECT_EQ(error.code, ErrorCode::kUnavailable);
    const std::size_t at = error.message.find(host);
    return at == std::string::npos
               ? error.message
               : error.message.replace(at, host.size() + 1 + port.size(), "HOST");
  };
  const auto allowed = InACluster({"127.0.0.0/8"});
  const std::string said = message("127.0.0.1", closed.port(), allowed);

  EXPECT_EQ(said,
            "the broker could not connect to HOST, or the platform does not allow its address");
  EXPECT_EQ(message("127.0.0.1", filtered.port(), allowed), said);
  EXPECT_EQ(message("127.0.0.1", closed.port(), InACluster()), said);
  EXPECT_EQ(message("localhost", closed.port(), InACluster()), said);
  EXPECT_EQ(message("absent.invalid", closed.port(), allowed), said);
  EXPECT_THAT(causes_,
              ElementsAre(HasSubstr("shop/harbor 127.0.0.1:" + closed.port() + " refused"),
                          HasSubstr("within the connect timeout"),
                          HasSubstr("does not allow 127.0.0.1, a loopback address, without TLS"),
                          HasSubstr("does not allow"),
                          HasSubstr("does not resolve")));
}

}  // namespace
}  // namespace connector::broker::upstream_auth
