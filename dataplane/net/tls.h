#pragma once

// TLS contexts of the data plane: the one place for versions, verification and session rules.

#include "common/base/result.h"

#include <openssl/types.h>

#include <memory>
#include <string>
#include <string_view>

struct ssl_session_st;  // OpenSSL's SSL_SESSION.

namespace connector::dataplane::net {

struct ContextDeleter {
  void operator()(SSL_CTX* context) const;
};
using TlsContext = std::shared_ptr<SSL_CTX>;

// For connections to registries: TLS 1.2 or later, the peer verified against the system's trust
// store plus `ca_pem`. Fails with kInvalidArgument when `ca_pem` holds no certificate.
//
// The system's certificates cost some 15 ms and 0.8 MiB to read: a context made with `system`,
// which is one made without `ca_pem`, shares that one's.
[[nodiscard]] Result<TlsContext> MakeUpstreamContext(std::string_view ca_pem,
                                                     const TlsContext& system = nullptr);

// False when the peer's certificate of that session is not valid any more, or not known.
[[nodiscard]] bool HasValidCertificate(ssl_session_st* session);

// For a listener whose certificates are chosen by name alone (server_names.h).
[[nodiscard]] TlsContext MakeNamedListenerContext();

// For our listener: TLS 1.2 or later, HTTP/1.1 only (no ALPN h2). Fails with kInvalidArgument when
// the files do not parse or do not belong together; the message names the file.
[[nodiscard]] Result<TlsContext> MakeListenerContext(const std::string& certificate_file,
                                                     const std::string& key_file);

}  // namespace connector::dataplane::net
