#pragma once

// Opens one connection to a registry or to what it redirects to: resolves, checks the address that
// is really dialled, connects, and verifies TLS. Caches nothing.

#include "common/http/origin.h"
#include "dataplane/net/stream.h"
#include "dataplane/net/tls.h"

#include <chrono>
#include <memory>

namespace connector::dataplane::upstream {

struct DialTarget {
  http::Origin origin;
  net::TlsContext tls;  // Null for http.
  // False: an address that is loopback, private, link-local or otherwise not public is refused,
  // whatever name it was found under (docs/rules.md "Addresses").
  bool allow_private_address = false;
  std::chrono::milliseconds connect_timeout{5000};
};

// Errors: kUnavailable (no such name, refused, TLS not verified), kDeadlineExceeded, and
// kPermissionDenied for an address that policy forbids. The message names the host and the cause.
[[nodiscard]] Task<Result<std::unique_ptr<net::Stream>>> Connect(DialTarget endpoint,
                                                                 net::TlsSession session,
                                                                 net::Timers& timers);

}  // namespace connector::dataplane::upstream
