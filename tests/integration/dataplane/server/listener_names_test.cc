// TLS towards clients with certificates that the broker issues by name, on real sockets.

#include "common/x509/x509_certificates.h"
#include "tests/support/cpp/dataplane_world.h"
#include "tests/support/cpp/scratch_dir.h"
#include "tests/support/cpp/test_ca.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <future>
#include <string>
#include <thread>
#include <vector>

namespace connector::dataplane {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;
using testing_support::DataplaneWorld;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::ReplaceFile;
using testing_support::WorldOptions;

const std::string kHarborHost = "c-harbor.default.svc";

HttpAnswer AnswerOk(const HttpRequest&) {
  return {.status = 200, .body = "ok"};
}

// One handshake that asks for `name` (empty: for none), and then GET /v2/. What the server shows,
// and what it answers; or why there was no connection.
struct Hello {
  std::string shown;   // The first name in the certificate.
  std::string answer;  // The first line.
  std::string alert;

  static Hello To(std::uint16_t port, const std::string& name, int max_version = 0) {
    const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_client_method()),
                                                               SSL_CTX_free);
    SSL_CTX_set_max_proto_version(context.get(), max_version);
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{20, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    Hello hello;
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
      const std::unique_ptr<SSL, void (*)(SSL*)> ssl(SSL_new(context.get()), SSL_free);
      SSL_set_fd(ssl.get(), fd);
      if (!name.empty()) {
        SSL_set_tlsext_host_name(ssl.get(), name.c_str());
      }
      hello.Speak(ssl.get());
    }
    ::close(fd);
    return hello;
  }

 private:
  void Speak(SSL* ssl) {
    ERR_clear_error();
    if (SSL_connect(ssl) != 1) {
      const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
      alert = reason == nullptr ? "closed" : reason;
      return;
    }
    const x509::CertificatePtr certificate(SSL_get1_peer_certificate(ssl));
    shown = x509::NamesOf(certificate.get()).front();
    const std::string request = "GET /v2/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    SSL_write(ssl, request.data(), static_cast<int>(request.size()));
    std::string buffer(4096, '\0');
    const int got = SSL_read(ssl, buffer.data(), static_cast<int>(buffer.size()));
    answer = got > 0 ? buffer.substr(0, buffer.find('\r')) : "";
  }
};

WorldOptions FromBroker(std::vector<std::string> dataplane_hosts = {}) {
  WorldOptions options;
  options.listener.from_broker = true;
  options.listener.dataplane_hosts = std::move(dataplane_hosts);
  return options;
}

TEST(AListenerWithCertificatesOfTheBroker, ShowsTheHostThatTheClientAsksFor) {
  DataplaneWorld world(AnswerOk, FromBroker());

  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const Hello hello = Hello::To(world.port(), kHarborHost, version);
    EXPECT_EQ(hello.shown, "DNS:" + kHarborHost);
    EXPECT_THAT(hello.answer, StartsWith("HTTP/1.1 401")) << hello.alert;
  }
  EXPECT_EQ(Hello::To(world.port(), "C-Harbor.Default.SVC").shown, "DNS:" + kHarborHost);
  EXPECT_THAT(world.certificate_issuer().hosts(), ElementsAre(kHarborHost)) << "asked once";
}

TEST(AListenerWithCertificatesOfTheBroker, AsksNobodyForNamesThatItDoesNotHave) {
  DataplaneWorld world(AnswerOk, FromBroker());

  for (const std::string name : {"c-absent.default.svc",
                                 "c-harbor.other.svc",
                                 "c-harbor.default.svc.example.com",
                                 "registry.example.com"}) {
    EXPECT_THAT(Hello::To(world.port(), name).alert, HasSubstr("unrecognized name")) << name;
  }
  EXPECT_THAT(Hello::To(world.port(), "").alert, HasSubstr("unrecognized name"));
  EXPECT_THAT(world.certificate_issuer().hosts(), IsEmpty());
}

TEST(AListenerWithCertificatesOfTheBroker, LetsClientsWaitWithinTheHandshake) {
  DataplaneWorld world(AnswerOk, FromBroker());
  world.certificate_issuer().Hold();
  std::vector<std::future<Hello>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::async(std::launch::async,
                                 [port = world.port()] { return Hello::To(port, kHarborHost); }));
  }
  while (world.certificate_issuer().hosts().empty()) {
    std::this_thread::yield();
  }
  world.certificate_issuer().Release();

  for (auto& client : clients) {
    EXPECT_THAT(client.get().answer, StartsWith("HTTP/1.1 401"));
  }
  EXPECT_THAT(world.certificate_issuer().hosts(), SizeIs(1));
}

TEST(AListenerWithCertificatesOfTheBroker, EndsAHandshakeThatWaitsTooLong) {
  WorldOptions options = FromBroker();
  options.settings.head_timeout = std::chrono::milliseconds(100);
  DataplaneWorld world(AnswerOk, std::move(options));
  world.certificate_issuer().Hold();

  EXPECT_THAT(Hello::To(world.port(), kHarborHost).alert, ::testing::Not(IsEmpty()));
  world.certificate_issuer().Release();
}

TEST(AListenerWithCertificatesOfTheBroker, RefusesNewHostsAndServesKnownOnesWithoutABroker) {
  DataplaneWorld world(AnswerOk, FromBroker({"dataplane.oci.svc"}));
  ASSERT_EQ(Hello::To(world.port(), kHarborHost).shown, "DNS:" + kHarborHost);
  world.certificate_issuer().FailWith("the broker is away");

  EXPECT_EQ(Hello::To(world.port(), kHarborHost).shown, "DNS:" + kHarborHost);
  EXPECT_THAT(Hello::To(world.port(), "dataplane.oci.svc").alert, HasSubstr("internal error"));
  EXPECT_THAT(world.log(), HasSubstr("the broker is away"));
}

TEST(AListenerWithCertificatesOfTheBroker, ShowsItsServiceToClientsThatNameNothing) {
  DataplaneWorld world(AnswerOk, FromBroker({"dataplane.oci.svc"}));

  EXPECT_EQ(Hello::To(world.port(), "").shown, "DNS:dataplane.oci.svc");
  EXPECT_EQ(Hello::To(world.port(), "dataplane.oci.svc").shown, "DNS:dataplane.oci.svc");
}

TEST(AListenerWithCertificatesOfTheBroker, RefusesAHostWhoseConnectorIsGone) {
  DataplaneWorld world(AnswerOk, FromBroker());
  ASSERT_EQ(Hello::To(world.port(), kHarborHost).shown, "DNS:" + kHarborHost);

  world.PublishNoRoutes();

  EXPECT_THAT(Hello::To(world.port(), kHarborHost).alert, HasSubstr("unrecognized name"));
}

TEST(AListenerWithBothKindsOfCertificates, ShowsItsOwnForEveryOtherName) {
  const testing_support::TestCa ca;
  const testing_support::ScratchDir dir;
  const auto identity = ca.Issue({.names = {"DNS:registry.example.com"}});
  ReplaceFile(dir / "tls.crt", identity.certificate_pem);
  ReplaceFile(dir / "tls.key", identity.key_pem);
  WorldOptions options = FromBroker({"dataplane.oci.svc"});
  options.listener.certificate_file = dir / "tls.crt";
  options.listener.key_file = dir / "tls.key";
  DataplaneWorld world(AnswerOk, std::move(options));

  for (const std::string name : {"registry.example.com", "c-absent.default.svc", ""}) {
    EXPECT_EQ(Hello::To(world.port(), name).shown, "DNS:registry.example.com") << name;
  }
  EXPECT_EQ(Hello::To(world.port(), kHarborHost).shown, "DNS:" + kHarborHost);
}

}  // namespace
}  // namespace connector::dataplane
