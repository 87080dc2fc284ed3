#pragma once

// PoolKey: the full identity of an upstream connection. Compared whole: connections and TLS
// sessions of one key are never another's (docs/rules.md "Upstream framing").

#include "common/base/connector_ref.h"
#include "common/http/origin.h"

#include <string>

namespace connector::dataplane::upstream {

struct PoolKey {
  ConnectorRef connector;
  http::Origin origin;
  std::string profile;  // Of trust and policy, as the route says.
  // A connection that was let through to a private address serves nobody who may not go there.
  bool allow_private_address = false;

  auto operator<=>(const PoolKey&) const = default;
};

}  // namespace connector::dataplane::upstream
