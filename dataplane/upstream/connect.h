#pragma once

// Opens one connection to a registry or to what it redirects to: resolves, checks the address that
// is really dialled, connects, and verifies TLS. Caches nothing.

#include "common/http/origin.h"
#include "common/routing/upstream_policy.h"
#include "dataplane/net/stream.h"
#include "dataplane/net/tls.h"

#include <chrono>
#include <memory>

namespace connector::dataplane::upstream {

struct DialTarget {
  http::Origin origin;
  net::TlsContext tls;  // Null for http.
  // Both judge the address, whatever name it was found under (docs/rules.md "Addresses"). False:
  // one that is loopback, private, link-local or otherwise not public is refused.
  bool allow_private_address = false;
  std::shared_ptr<const routing::UpstreamPolicy> policy;  // Never null.
  routing::Destination destination = routing::Destination::kRegistry;
  std::chrono::milliseconds connect_timeout{5000};
};

// Errors: kNotFound where no connection came about (no such name, refused, nobody there in time, or
// an address that is not allowed), whose cause is for our own log alone: whoever could read it
// would scan networks with it. kUnavailable and kDeadlineExceeded for TLS. The message names host
// and cause.
[[nodiscard]] Task<Result<std::unique_ptr<net::Stream>>> Connect(DialTarget endpoint,
                                                                 net::TlsSession session,
                                                                 net::Timers& timers);

}  // namespace connector::dataplane::upstream
