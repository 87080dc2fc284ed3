#pragma once

// ServerNames: which certificate a TLS handshake shows, by the name that the client asks for (SNI).
// One that is not there yet is waited for inside the handshake, within its time.

#include "common/async/task.h"
#include "common/base/result.h"

#include <openssl/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace connector::dataplane::net {

struct ServerCertificate {
  std::shared_ptr<X509> certificate;
  std::shared_ptr<EVP_PKEY> key;
};
using ServerCertificatePtr = std::shared_ptr<const ServerCertificate>;

class ServerNames {
 public:
  virtual ~ServerNames() = default;

  enum class Choice : std::uint8_t {
    kContext,  // The listener's own certificate.
    kFound,    // This one.
    kWait,     // Wait has it.
    kUnknown,  // The client is told "unrecognized name".
  };
  struct Answer {
    Choice choice = Choice::kUnknown;
    ServerCertificatePtr certificate = nullptr;  // With kFound.
  };

  // Within the handshake: must not block. `name` is the client's, and empty where it names nothing.
  [[nodiscard]] virtual Answer Find(std::string_view name) = 0;
  // After kWait, for the same name.
  [[nodiscard]] virtual Task<Result<ServerCertificatePtr>> Wait(std::string name,
                                                                Deadline deadline) = 0;

 protected:
  ServerNames() = default;
  ServerNames(const ServerNames&) = default;
  ServerNames& operator=(const ServerNames&) = default;
};

// Lets handshakes of this listener's context be decided by a NamedHandshake.
void UseServerNames(SSL_CTX* context);

// One handshake's dealings with `names`. Neither is copied nor moved: OpenSSL points to it.
class NamedHandshake {
 public:
  NamedHandshake(SSL* ssl, ServerNames& names);
  ~NamedHandshake();
  NamedHandshake(const NamedHandshake&) = delete;
  NamedHandshake& operator=(const NamedHandshake&) = delete;

  // Whether the handshake stands until a certificate is there.
  [[nodiscard]] bool waits() const { return waits_for_.has_value(); }
  // Gets it. Whatever comes of it, the handshake goes on: without one it ends with an alert.
  [[nodiscard]] Task<Done> Wait(Deadline deadline);
  // Why no certificate came; empty when none was missing.
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  friend void UseServerNames(SSL_CTX* context);
  static int OnServerName(SSL* ssl, int* alert, void* unused);
  static int OnCertificate(SSL* ssl, void* unused);

  void Show(const ServerCertificate& certificate);

  SSL* const ssl_;
  ServerNames& names_;
  std::optional<std::string> waits_for_;
  std::string failure_;
};

}  // namespace connector::dataplane::net
