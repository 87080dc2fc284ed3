#include "dataplane/net/tls.h"

#include "dataplane/net/server_names.h"
#include "dataplane/net/trust_bundle.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace connector::dataplane::net {
namespace {

Error Invalid(std::string message) {
  ERR_clear_error();
  return MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kSelf, std::move(message));
}

TlsContext MakeContext(const SSL_METHOD* method) {
  TlsContext context(SSL_CTX_new(method), ContextDeleter{});
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  // An idle connection keeps no 16 KiB record buffers; a moving write buffer suits a relay.
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  return context;
}

// The certificates that `from` has read become `to`'s as well, without a copy.
void ShareTrust(SSL_CTX* from, SSL_CTX* to) {
  X509_STORE* const source = SSL_CTX_get_cert_store(from);
  X509_STORE_lock(source);  // Connections read more from the system's hashed directory.
  const STACK_OF(X509_OBJECT)* const objects = X509_STORE_get0_objects(source);
  for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
    if (X509* const certificate = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i))) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(to), certificate);
    }
  }
  X509_STORE_unlock(source);
}

}  // namespace

void ContextDeleter::operator()(SSL_CTX* context) const {
  SSL_CTX_free(context);
}

Result<TlsContext> MakeUpstreamContext(std::string_view ca_pem, const TlsContext& system) {
  TlsContext context = MakeContext(TLS_client_method());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (system != nullptr) {
    ShareTrust(system.get(), context.get());
  } else {
    SSL_CTX_set_default_verify_file(context.get());
  }
  if (!ca_pem.empty()) {
    const Result<Done> trusted = TrustBundle(SSL_CTX_get_cert_store(context.get()), ca_pem);
    if (!trusted) {
      return trusted.error();
    }
  }
  // Behind the bundle: OpenSSL asks in this order, and no further than to the first that knows.
  SSL_CTX_set_default_verify_dir(context.get());
  SSL_CTX_set_read_ahead(context.get(), 1);
  SSL_CTX_set_default_read_buffer_len(context.get(), 64 * 1024);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  return context;
}

bool HasValidCertificate(ssl_session_st* session) {
  const X509* const peer = SSL_SESSION_get0_peer(session);
  return peer != nullptr &&
         X509_cmp_timeframe(nullptr, X509_get0_notBefore(peer), X509_get0_notAfter(peer)) == 0;
}

TlsContext MakeNamedListenerContext() {
  TlsContext context = MakeContext(TLS_server_method());
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  UseServerNames(context.get());
  return context;
}

Result<TlsContext> MakeListenerContext(const std::string& certificate_file,
                                       const std::string& key_file) {
  TlsContext context = MakeNamedListenerContext();
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_file.c_str()) != 1) {
    return Invalid(certificate_file + " cannot be read as a PEM certificate chain");
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return Invalid(key_file +
                   " cannot be read as a PEM private key, or belongs to another certificate");
  }
  if (SSL_CTX_check_private_key(context.get()) != 1) {
    return Invalid(key_file + " does not belong to " + certificate_file);
  }
  return context;
}

}  // namespace connector::dataplane::net
