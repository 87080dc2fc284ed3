#include "common/curl/curl_client.h"

#include "tests/support/cpp/http_server.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/run_task.h"
#include "tests/support/cpp/scratch_dir.h"

#include <boost/asio/detached.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <future>
#include <thread>

namespace connector::curl {
namespace {

using ::testing::AllOf;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using testing_support::HasError;
using testing_support::HasErrorMessage;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::HttpServer;
using testing_support::RunTask;
using testing_support::TestCa;
using testing_support::TlsSetup;

Deadline In(std::chrono::milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

Deadline SoonEnough() {
  return In(std::chrono::seconds(20));
}

http::Url UrlOf(const HttpServer& server, const std::string& target = "/") {
  return *http::ParseUrl(server.address() + target);
}

CurlRequest Get(const HttpServer& server, const std::string& target = "/") {
  CurlRequest request;
  request.url = UrlOf(server, target);
  return request;
}

CurlRequest Get(const HttpServer& server, const TestCa& trusted) {
  CurlRequest request = Get(server);
  request.ca_pem = trusted.pem();
  return request;
}

Result<CurlResponse> Perform(CurlRequest request, Deadline deadline = SoonEnough()) {
  CurlClient client;
  return RunTask(client.Perform(std::move(request), deadline));
}

HttpServer::Handler Always(HttpAnswer answer) {
  return [answer = std::move(answer)](const HttpRequest&) { return answer; };
}

// A loopback port where nothing listens: bound, so that nobody else takes it meanwhile.
class DeadPort {
 public:
  DeadPort() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(fd_, reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~DeadPort() { ::close(fd_); }
  DeadPort(const DeadPort&) = delete;
  DeadPort& operator=(const DeadPort&) = delete;

  [[nodiscard]] std::string address() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

TEST(CurlClient, ReadsAnAnswerThatIsCompressedThoughNobodyAsked) {
  // gzip of {"token":"t"}.
  static constexpr char kCompressed[] =
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x2a\xc9\xcf\x4e\xcd\x53\xb2\x52\x2a\x51\xaa"
      "\x05\x00\xd2\xd0\xd0\x24\x0d\x00\x00\x00";
  const HttpServer server(Always({.headers = {{"Content-Encoding", "gzip"}},
                                  .body = std::string(kCompressed, sizeof kCompressed - 1)}));

  const Result<CurlResponse> response = Perform(Get(server));

  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(response->body.Reveal(), R"({"token":"t"})");
  EXPECT_EQ(server.requests().at(0).Header("accept-encoding"), "");

  CurlRequest bounded = Get(server);
  bounded.max_response_bytes = 12;
  EXPECT_THAT(Perform(std::move(bounded)), HasError(ErrorCode::kResourceExhausted))
      << "what comes out is counted";
}

TEST(CurlClient, ReturnsStatusHeadersAndBody) {
  const HttpServer server(
      Always({.status = 403, .headers = {{"X-Reason", "  none "}}, .body = "no"}));

  const Result<CurlResponse> response = Perform(Get(server, "/a/../b?c=%2F"));

  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(response->status, 403);
  EXPECT_EQ(response->headers.at("x-reason"), "none");
  EXPECT_EQ(response->body.Reveal(), "no");
  EXPECT_EQ(server.requests().at(0).target, "/a/../b?c=%2F") << "the path is sent as it is";
}

TEST(CurlClient, JoinsHeaderLinesOfOneName) {
  const HttpServer server(Always({.headers = {{"A", "1"}, {"a", "2"}}}));

  EXPECT_EQ(Perform(Get(server))->headers.at("a"), "1, 2");
}

TEST(CurlClient, SendsExactlyTheHeadersAndTheBodyThatWereGiven) {
  const HttpServer server(Always({}));
  CurlRequest request = Get(server);
  request.method = "POST";
  request.headers.push_back({"Authorization", Secret("Basic abc")});
  request.headers.push_back({"X-Empty", Secret()});
  request.body = Secret("a=b");

  ASSERT_TRUE(Perform(std::move(request)).has_value());

  const HttpRequest seen = server.requests().at(0);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.body, "a=b");
  EXPECT_THAT(seen.headers,
              ::testing::UnorderedElementsAre(std::pair("host", UrlOf(server).origin.Authority()),
                                              std::pair("authorization", "Basic abc"),
                                              std::pair("user-agent", "oci-connector"),
                                              std::pair("accept", "*/*"),
                                              std::pair("x-empty", ""),
                                              std::pair("content-length", "3")));
}

TEST(CurlClient, KnowsOtherMethods) {
  const HttpServer server(Always({.body = "x"}));
  CurlRequest head = Get(server);
  head.method = "HEAD";
  CurlRequest put = Get(server);
  put.method = "PUT";
  put.body = Secret("b");
  put.headers.push_back({"Content-Type", Secret("text/plain")});

  EXPECT_THAT(Perform(std::move(head))->body.Reveal(), IsEmpty());
  ASSERT_TRUE(Perform(std::move(put)).has_value());

  EXPECT_EQ(server.requests().at(0).method, "HEAD");
  EXPECT_EQ(server.requests().at(1).method, "PUT");
  EXPECT_EQ(server.requests().at(1).body, "b");
  EXPECT_EQ(server.requests().at(1).Header("content-type"), "text/plain");
}

TEST(CurlClient, RefusesAHeaderWithALineBreak) {
  const HttpServer server(Always({}));
  for (const std::string value : {"a\r\nX: y", "a\nX: y", "a"}) {
    CurlRequest request = Get(server);
    request.headers.push_back({"A", Secret(value + "\r")});
    EXPECT_THAT(Perform(std::move(request)), HasError(ErrorCode::kInvalidArgument));
  }
  CurlRequest request = Get(server);
  request.headers.push_back({"A: b\r\nC", Secret("d")});
  EXPECT_THAT(Perform(std::move(request)), HasError(ErrorCode::kInvalidArgument));
  EXPECT_THAT(server.requests(), IsEmpty());
}

TEST(CurlClient, FollowsNoRedirect) {
  const HttpServer other(Always({}));
  const HttpServer server(Always({.status = 307, .headers = {{"Location", other.address()}}}));

  EXPECT_EQ(Perform(Get(server))->status, 307);
  EXPECT_THAT(other.requests(), IsEmpty());
}

TEST(CurlClient, UsesNoProxyOfTheEnvironment) {
  const HttpServer proxy(Always({}));
  const HttpServer server(Always({.body = "direct"}));
  ::setenv("http_proxy", proxy.address().c_str(), 1);
  ::setenv("all_proxy", proxy.address().c_str(), 1);

  const Result<CurlResponse> response = Perform(Get(server));

  ::unsetenv("http_proxy");
  ::unsetenv("all_proxy");
  EXPECT_EQ(response->body.Reveal(), "direct");
  EXPECT_THAT(proxy.requests(), IsEmpty());
}

TEST(CurlClient, AcceptsAnAnswerAtTheLimitAndRefusesOneByteMore) {
  const HttpServer server(Always({.body = std::string(1000, 'a')}));
  CurlRequest fits = Get(server);
  fits.max_response_bytes = 1000;
  CurlRequest too_large = Get(server);
  too_large.max_response_bytes = 999;

  EXPECT_THAT(Perform(std::move(fits))->body.Reveal(), SizeIs(1000));
  EXPECT_THAT(Perform(std::move(too_large)),
              HasErrorMessage(ErrorCode::kResourceExhausted, HasSubstr("too large")));
}

TEST(CurlClient, RefusesAnEndlessHead) {
  HttpAnswer answer;
  for (int i = 0; i < 100; ++i) {
    answer.headers.emplace_back("X-" + std::to_string(i), std::string(1000, 'a'));
  }
  const HttpServer server(Always(answer));

  EXPECT_THAT(Perform(Get(server)), HasError(ErrorCode::kResourceExhausted));
}

TEST(CurlClient, EndsAtTheDeadline) {
  const HttpServer server(Always({.silent = true}));

  EXPECT_THAT(Perform(Get(server), In(std::chrono::milliseconds(50))),
              HasErrorMessage(ErrorCode::kDeadlineExceeded, HasSubstr("127.0.0.1")));
}

TEST(CurlClient, SendsNothingWhenNoTimeIsLeft) {
  const HttpServer server(Always({}));

  EXPECT_THAT(Perform(Get(server), In(std::chrono::milliseconds(0))),
              HasError(ErrorCode::kDeadlineExceeded));
  EXPECT_EQ(server.connections(), 0U);
}

TEST(CurlClient, SendsNothingOfWhatWaitedPastItsDeadline) {
  const HttpServer server(Always({}));
  CurlClient client;
  // The one thread of all transfers is held up, as it is when the program is stopped.
  std::promise<void> held;
  std::promise<void> go_on;
  CurlRequest first = Get(server, "/first");
  first.connection_check = std::make_shared<ConnectionCheck>();
  first.connection_check->why_not = [&](std::span<const std::uint8_t>) {
    held.set_value();
    go_on.get_future().wait();
    return std::string();
  };
  asio::io_context io;
  std::optional<Result<CurlResponse>> second;
  auto finish = [&](std::exception_ptr, Result<CurlResponse> response) {
    second.emplace(std::move(response));
  };
  asio::co_spawn(io, client.Perform(std::move(first), SoonEnough()), asio::detached);
  io.run_one();
  held.get_future().wait();
  const Deadline deadline = In(std::chrono::milliseconds(20));
  asio::co_spawn(io, client.Perform(Get(server, "/second"), deadline), finish);
  io.run_one();
  std::this_thread::sleep_until(deadline);
  go_on.set_value();
  io.run();

  ASSERT_TRUE(second.has_value());
  EXPECT_THAT(*second,
              HasErrorMessage(ErrorCode::kDeadlineExceeded, HasSubstr("no time was left")));
  EXPECT_EQ(server.connections(), 1U);
}

TEST(CurlClient, NamesHostAndCauseOfAFailure) {
  const DeadPort dead;
  CurlRequest refused;
  refused.url = *http::ParseUrl(dead.address());
  EXPECT_THAT(Perform(std::move(refused)),
              HasErrorMessage(ErrorCode::kUnavailable,
                              AllOf(HasSubstr("127.0.0.1"), HasSubstr("refused"))));

  CurlRequest unknown;
  unknown.url = *http::ParseUrl("http://no-such-host.invalid");
  EXPECT_THAT(Perform(std::move(unknown)),
              HasErrorMessage(ErrorCode::kUnavailable,
                              AllOf(HasSubstr("no-such-host.invalid"), HasSubstr("resolve"))));

  const HttpServer cut(Always({.body = "abc", .cut = true}));
  EXPECT_THAT(Perform(Get(cut)), HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("cut")));

  const HttpServer nonsense(Always({.raw = "SSH-2.0-x\r\n"}));
  EXPECT_THAT(Perform(Get(nonsense)),
              HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("no valid HTTP answer")));
}

TEST(CurlClient, TrustsTheGivenCaAndNoOther) {
  const TestCa ca;
  const HttpServer server(Always({.body = "hello"}), TlsSetup{ca.Issue()});

  EXPECT_EQ(Perform(Get(server, ca))->body.Reveal(), "hello");
  EXPECT_THAT(Perform(Get(server, TestCa())),
              HasErrorMessage(ErrorCode::kUnavailable,
                              AllOf(HasSubstr("localhost"), HasSubstr("not trusted"))));
  EXPECT_THAT(Perform(Get(server)),
              HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("not trusted")));
  EXPECT_THAT(server.requests(), SizeIs(1)) << "nothing is sent before the certificate is checked";
}

TEST(CurlClient, AddsTheGivenCaToTheSystemsTrust) {
  const TestCa system;
  const TestCa other;
  const std::string file = ::testing::TempDir() + "curl_client_test_ca." + std::to_string(getpid());
  FILE* out = std::fopen(file.c_str(), "w");
  std::fputs(system.pem().c_str(), out);
  std::fclose(out);
  ::setenv("SSL_CERT_FILE", file.c_str(), 1);
  const HttpServer server(Always({}), TlsSetup{system.Issue()});

  const Result<CurlResponse> response = Perform(Get(server, other));

  ::unsetenv("SSL_CERT_FILE");
  std::remove(file.c_str());
  EXPECT_TRUE(response.has_value());
}

TEST(CurlClient, TrustsTheGivenCaAloneWhenToldTo) {
  const TestCa systems;
  const TestCa given;
  HttpServer server(Always({}), TlsSetup{systems.Issue()});
  const testing_support::ScratchDir dir;
  testing_support::ReplaceFile(dir / "system.pem", systems.pem());
  ::setenv("SSL_CERT_FILE", (dir / "system.pem").c_str(), 1);
  CurlRequest request = Get(server, given);
  CurlRequest alone = Get(server, given);
  alone.only_ca_pem = true;

  const Result<CurlResponse> with_system = Perform(std::move(request));
  const Result<CurlResponse> without = Perform(std::move(alone));
  ::unsetenv("SSL_CERT_FILE");

  EXPECT_TRUE(with_system.has_value());
  EXPECT_THAT(without, HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("is not trusted")));
}

TEST(CurlClient, ConnectsElsewhereAndVerifiesTheNameOfTheUrl) {
  const TestCa ca;
  testing_support::CertificateRequest named;
  named.names = {"DNS:vault.example"};
  HttpServer server(Always({}), TlsSetup{ca.Issue(named)});
  CurlRequest request = Get(server, ca);
  request.connect_to = request.url.origin;
  request.url.origin.host = "vault.example";

  EXPECT_TRUE(Perform(std::move(request)).has_value());
  EXPECT_THAT(server.requests().front().Header("host"), HasSubstr("vault.example"));
}

TEST(CurlClient, GoesThroughTheProxyThatIsAskedForWhateverTheEnvironment) {
  HttpServer proxy(Always({}));
  CurlRequest request;
  request.url = *http::ParseUrl("http://upstream.example/x");
  request.proxy = proxy.address();
  ::setenv("no_proxy", "*", 1);

  const Result<CurlResponse> answered = Perform(std::move(request));
  ::unsetenv("no_proxy");

  ASSERT_TRUE(answered.has_value());
  EXPECT_EQ(proxy.requests().front().target, "http://upstream.example/x");
}

TEST(CurlClient, RefusesACertificateOfAnotherNameOrTime) {
  const TestCa ca;
  const HttpServer name(Always({}), TlsSetup{ca.Issue({.names = {"DNS:other.example"}})});
  const HttpServer expired(Always({}), TlsSetup{ca.Issue({.valid_to_seconds = -60})});
  const HttpServer early(Always({}), TlsSetup{ca.Issue({.valid_from_seconds = 600})});

  EXPECT_THAT(Perform(Get(name, ca)),
              HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("another name")));
  EXPECT_THAT(Perform(Get(expired, ca)),
              HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("expired")));
  EXPECT_THAT(Perform(Get(early, ca)),
              HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("not valid yet")));
}

TEST(CurlClient, NeverLooksForTheHostInTheCommonName) {
  const TestCa ca;
  const HttpServer none(Always({}), TlsSetup{ca.Issue({.names = {}, .common_name = "127.0.0.1"})});
  const HttpServer other(
      Always({}),
      TlsSetup{ca.Issue({.names = {"email:a@example.com"}, .common_name = "127.0.0.1"})});

  for (const HttpServer* server : {&none, &other}) {
    EXPECT_THAT(Perform(Get(*server, ca)),
                HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("no subject alternative name")));
  }
}

TEST(CurlClient, RefusesACaBundleThatHoldsNoCertificate) {
  const TestCa ca;
  const HttpServer server(Always({}), TlsSetup{ca.Issue()});
  for (const std::string& pem :
       {std::string("nonsense"), ca.pem() + "-----BEGIN CERTIFICATE-----\nAAAA\n"}) {
    CurlRequest request = Get(server);
    request.ca_pem = pem;
    EXPECT_THAT(Perform(std::move(request)), HasError(ErrorCode::kInvalidArgument));
  }
}

TEST(CurlClient, SharesNoConnectionUnlessToldTo) {
  const HttpServer server(Always({}));
  const auto connections_of = [&](ConnectionReuse reuse) {
    const std::size_t before = server.connections();
    CurlClient client(reuse);
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(RunTask(client.Perform(Get(server), SoonEnough())).has_value());
    }
    return server.connections() - before;
  };

  EXPECT_EQ(connections_of(ConnectionReuse::kNever), 3U);
  EXPECT_EQ(connections_of(ConnectionReuse::kWithinThisClient), 1U);
}

TEST(CurlClient, SharesNoConnectionBetweenDifferentTrust) {
  const TestCa ca;
  const HttpServer server(Always({}), TlsSetup{ca.Issue()});
  CurlClient client(ConnectionReuse::kWithinThisClient);
  ASSERT_TRUE(RunTask(client.Perform(Get(server, ca), SoonEnough())).has_value());

  EXPECT_THAT(RunTask(client.Perform(Get(server, TestCa()), SoonEnough())),
              HasError(ErrorCode::kUnavailable));
}

TEST(CurlClient, RunsManyTransfersAtOnceAndResumesEachOnItsOwnExecutor) {
  const HttpServer server(
      [](const HttpRequest& request) { return HttpAnswer{.body = request.target}; });
  CurlClient client;
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      asio::io_context io;
      const std::thread::id home = std::this_thread::get_id();
      for (int i = 0; i < 25; ++i) {
        const std::string target = "/" + std::to_string(t) + "/" + std::to_string(i);
        auto finish = [&right, home, target](std::exception_ptr, Result<CurlResponse> response) {
          right += response.has_value() && response->body.Reveal() == target &&
                           std::this_thread::get_id() == home
                       ? 1
                       : 0;
        };
        asio::co_spawn(io, client.Perform(Get(server, target), SoonEnough()), finish);
      }
      io.run();
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(right, 50);
}

TEST(CurlClient, EndsWhatIsUnderWayWhenItDies) {
  const HttpServer server(Always({.silent = true}));
  asio::io_context io;
  auto client = std::make_unique<CurlClient>();
  std::optional<Result<CurlResponse>> result;
  auto finish = [&](std::exception_ptr, Result<CurlResponse> response) {
    result.emplace(std::move(response));
  };
  asio::co_spawn(io, client->Perform(Get(server), SoonEnough()), finish);
  io.run_one();

  client.reset();
  io.run();

  ASSERT_TRUE(result.has_value());
  EXPECT_THAT(*result, HasError(ErrorCode::kUnavailable));
}

TEST(CurlClient, RefusesWhatComesAfterShutdown) {
  const HttpServer server(Always({}));
  CurlClient client;
  client.Shutdown();

  EXPECT_THAT(RunTask(client.Perform(Get(server), SoonEnough())),
              HasError(ErrorCode::kUnavailable));
  EXPECT_EQ(server.connections(), 0U);
}

}  // namespace
}  // namespace connector::curl
