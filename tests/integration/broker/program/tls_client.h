#pragma once

// A bare TLS client that speaks no HTTP/2: says what a server lets it see.

#include "tests/support/cpp/test_ca.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace connector::broker {

struct TlsAttempt {
  int max_version = 0;  // An OpenSSL constant; 0 for the highest.
  std::optional<testing_support::TlsIdentity> certificate;
};

struct TlsOutcome {
  bool handshake = false;          // Done, as the client sees it.
  std::size_t received_bytes = 0;  // Of application data: HTTP/2 begins with the server's SETTINGS.
  int version = 0;
};

// Connects to 127.0.0.1:`port`, offers ALPN h2, and reads until the server sent something or
// closed.
[[nodiscard]] TlsOutcome TryTls(std::uint16_t port, const TlsAttempt& attempt);

}  // namespace connector::broker
