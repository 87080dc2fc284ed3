// Stream: how a connection becomes a TLS one, and what only TLS has.

#include "dataplane/net/stream.h"
#include "dataplane/net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <utility>

namespace connector::dataplane::net {
namespace {

// A certificate's common name never counts.
constexpr unsigned int kHostFlags =
    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;

Error HandshakeFailed(std::string message) {
  return MakeError(ErrorCode::kUnavailable, ErrorOrigin::kUpstream, std::move(message));
}

std::string HandshakeFailure(SSL* ssl) {
  const long verify = SSL_get_verify_result(ssl);
  if (verify != X509_V_OK) {
    return std::string("the certificate is not accepted: ") + X509_verify_cert_error_string(verify);
  }
  const unsigned long error = ERR_peek_last_error();
  const char* const reason = error == 0 ? nullptr : ERR_reason_error_string(error);
  return std::string("the TLS handshake failed: ") +
         (reason != nullptr ? reason : "the connection was closed");
}

}  // namespace

Task<Result<Done>> Stream::RunHandshake(std::chrono::milliseconds timeout, NamedHandshake* naming) {
  const auto give_up_at = std::chrono::steady_clock::now() + timeout;
  while (true) {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_);
    if (result == 1) {
      co_return Done{};
    }
    if (naming != nullptr && naming->waits()) {
      co_await naming->Wait(give_up_at);
      continue;
    }
    if (FromSsl(result).status != IoStatus::kWouldBlock) {
      std::string failure = naming != nullptr && !naming->failure().empty()
                                ? naming->failure()
                                : HandshakeFailure(ssl_);
      ERR_clear_error();
      co_return HandshakeFailed(std::move(failure));
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        give_up_at - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      co_return MakeError(
          ErrorCode::kDeadlineExceeded, ErrorOrigin::kUpstream, "the TLS handshake took too long");
    }
    Result<Done> waited = co_await WaitBlocked(left);
    if (!waited) {
      co_return std::move(waited).error();
    }
  }
}

Task<Result<Done>> Stream::AcceptTls(SSL_CTX* context,
                                     ServerNames* names,
                                     std::chrono::milliseconds timeout) {
  ssl_ = SSL_new(context);
  SSL_set_fd(ssl_, socket_.native_handle());
  SSL_set_accept_state(ssl_);
  return names == nullptr ? RunHandshake(timeout) : AcceptByName(*names, timeout);
}

Task<Result<Done>> Stream::AcceptByName(ServerNames& names, std::chrono::milliseconds timeout) {
  NamedHandshake naming(ssl_, names);
  co_return co_await RunHandshake(timeout, &naming);
}

Task<Result<Done>> Stream::ConnectTls(SSL_CTX* context,
                                      std::string peer_host,
                                      TlsSession session,
                                      std::chrono::milliseconds timeout) {
  ssl_ = SSL_new(context);
  SSL_set_fd(ssl_, socket_.native_handle());
  SSL_set_connect_state(ssl_);
  X509_VERIFY_PARAM* const verify = SSL_get0_param(ssl_);
  if (X509_VERIFY_PARAM_set1_ip_asc(verify, peer_host.c_str()) != 1) {
    ERR_clear_error();
    SSL_set_hostflags(ssl_, kHostFlags);
    // A name that could not be set must never mean that no name is checked.
    if (SSL_set1_host(ssl_, peer_host.c_str()) != 1 ||
        SSL_set_tlsext_host_name(ssl_, peer_host.c_str()) != 1) {
      co_return HandshakeFailed("the TLS peer name cannot be set");
    }
  }
  // A resumed handshake verifies no certificate.
  if (session != nullptr && HasValidCertificate(session.get())) {
    SSL_set_session(ssl_, session.get());
  }
  co_return co_await RunHandshake(timeout);
}

bool Stream::HasApplicationData() {
  char byte = 0;
  std::size_t got = 0;
  ERR_clear_error();
  const int result = SSL_peek_ex(ssl_, &byte, 1, &got);
  return result == 1 || FromSsl(result).status != IoStatus::kWouldBlock;
}

TlsSession Stream::TakeSession() {
  // One that was resumed is not taken on: its age counts from the certificate's verification.
  if (ssl_ == nullptr || session_taken_ || SSL_session_reused(ssl_) == 1) {
    return nullptr;
  }
  session_taken_ = true;
  TlsSession session(SSL_get1_session(ssl_), SSL_SESSION_free);
  return session != nullptr && SSL_SESSION_is_resumable(session.get()) == 1 ? session : nullptr;
}

}  // namespace connector::dataplane::net
