#include "tests/integration/broker/program/tls_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <memory>
#include <stdexcept>

namespace connector::broker {
namespace {

void Require(bool condition) {
  if (!condition) {
    throw std::runtime_error("TLS client cannot be set up");
  }
}

int Connect(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval timeout{10, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  Require(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

void UseCertificate(SSL_CTX* context, const testing_support::TlsIdentity& issued) {
  const auto bio = [](const std::string& pem) {
    return BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  };
  BIO* const certificate_bio = bio(issued.certificate_pem);
  BIO* const key_bio = bio(issued.key_pem);
  X509* const certificate = PEM_read_bio_X509(certificate_bio, nullptr, nullptr, nullptr);
  EVP_PKEY* const key = PEM_read_bio_PrivateKey(key_bio, nullptr, nullptr, nullptr);
  Require(SSL_CTX_use_certificate(context, certificate) == 1);
  Require(SSL_CTX_use_PrivateKey(context, key) == 1);
  X509_free(certificate);
  EVP_PKEY_free(key);
  BIO_free(certificate_bio);
  BIO_free(key_bio);
}

}  // namespace

TlsOutcome TryTls(std::uint16_t port, const TlsAttempt& attempt) {
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_client_method()),
                                                             SSL_CTX_free);
  SSL_CTX_set_max_proto_version(context.get(), attempt.max_version);
  if (attempt.certificate) {
    UseCertificate(context.get(), *attempt.certificate);
  }
  const int fd = Connect(port);
  const std::unique_ptr<SSL, void (*)(SSL*)> ssl(SSL_new(context.get()), SSL_free);
  constexpr unsigned char kH2[] = {2, 'h', '2'};
  SSL_set_alpn_protos(ssl.get(), kH2, sizeof kH2);
  SSL_set_fd(ssl.get(), fd);
  TlsOutcome outcome;
  outcome.handshake = SSL_connect(ssl.get()) == 1;
  if (outcome.handshake) {
    outcome.version = SSL_version(ssl.get());
    char buffer[1024];
    const int size = SSL_read(ssl.get(), buffer, sizeof buffer);
    outcome.received_bytes = size > 0 ? static_cast<std::size_t>(size) : 0;
  }
  ::close(fd);
  return outcome;
}

}  // namespace connector::broker
