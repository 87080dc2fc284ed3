#include "dataplane/net/server_names.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <utility>

namespace connector::dataplane::net {

NamedHandshake::NamedHandshake(SSL* ssl, ServerNames& names) : ssl_(ssl), names_(names) {
  SSL_set_app_data(ssl_, this);
}

NamedHandshake::~NamedHandshake() {
  SSL_set_app_data(ssl_, nullptr);
}

void NamedHandshake::Show(const ServerCertificate& certificate) {
  if (SSL_use_certificate(ssl_, certificate.certificate.get()) != 1 ||
      SSL_use_PrivateKey(ssl_, certificate.key.get()) != 1) {
    failure_ = "OpenSSL does not take the certificate";
    ERR_clear_error();
  }
}

// For each ClientHello, also the second one of a client that guessed the wrong group.
int NamedHandshake::OnServerName(SSL* ssl, int* alert, void* /*unused*/) {
  auto* const self = static_cast<NamedHandshake*>(SSL_get_app_data(ssl));
  if (self == nullptr) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  const std::string_view asked = name == nullptr ? std::string_view() : std::string_view(name);
  const ServerNames::Answer answer = self->names_.Find(asked);
  switch (answer.choice) {
    case ServerNames::Choice::kContext:
      return SSL_TLSEXT_ERR_OK;
    case ServerNames::Choice::kFound:
      self->Show(*answer.certificate);
      return SSL_TLSEXT_ERR_OK;
    case ServerNames::Choice::kWait:
      self->waits_for_ = std::string(asked);
      return SSL_TLSEXT_ERR_OK;
    case ServerNames::Choice::kUnknown:
      break;
  }
  self->failure_ = "no connector has the name that the client asks for";
  *alert = SSL_AD_UNRECOGNIZED_NAME;
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// Called when the certificate is needed, and again whenever the handshake goes on.
int NamedHandshake::OnCertificate(SSL* ssl, void* /*unused*/) {
  constexpr int kFail = 0;
  constexpr int kGoOn = 1;
  constexpr int kSuspend = -1;
  const auto* const self = static_cast<const NamedHandshake*>(SSL_get_app_data(ssl));
  if (self == nullptr) {
    return kGoOn;
  }
  if (!self->failure_.empty()) {
    return kFail;
  }
  return self->waits() ? kSuspend : kGoOn;
}

Task<Done> NamedHandshake::Wait(Deadline deadline) {
  const Result<ServerCertificatePtr> found = co_await names_.Wait(*waits_for_, deadline);
  waits_for_.reset();
  if (found) {
    Show(**found);
  } else {
    failure_ = found.error().message;
  }
  co_return Done{};
}

void UseServerNames(SSL_CTX* context) {
  SSL_CTX_set_tlsext_servername_callback(context, &NamedHandshake::OnServerName);
  SSL_CTX_set_cert_cb(context, &NamedHandshake::OnCertificate, nullptr);
}

}  // namespace connector::dataplane::net
