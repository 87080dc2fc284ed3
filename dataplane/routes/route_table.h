#pragma once

// RouteTable: what this data plane knows of the connectors, as the broker last told. Immutable once
// published: a change makes a new table, and every worker swaps its pointer. Holds no secret; the
// sealing keys protect upload sessions and open no registry.

#include "common/base/connector_ref.h"
#include "common/crypto/seal.h"
#include "common/http/origin.h"
#include "common/routing/route_settings.h"
#include "dataplane/net/tls.h"
#include "dataplane/relay/request_slots.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace connector::dataplane::routes {

// Lives as long as the connector does, over all its routes. Read by the status page and metrics.
struct RouteStats {
  relay::RequestSlots slots;
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> bytes_down{0};
  std::atomic<std::uint64_t> bytes_up{0};
  std::atomic<std::uint64_t> errors{0};  // 5xx answers that we made.
};

struct Route {
  ConnectorRef ref;
  http::Origin origin;
  net::TlsContext tls;      // Null for a plain-HTTP upstream; also used for its redirect targets.
  std::string tls_profile;  // Equal profiles may share a connection: a digest of the CA bundle.
  std::vector<std::string> mirror_hosts;
  routing::Redirects redirects;
  routing::Limits limits;
  bool allow_insecure = false;
  bool docker_hub = false;
  std::string epoch;
  std::string secret_class;  // "derived", "bounded", "static" or "none".
  std::shared_ptr<RouteStats> stats;
};

struct RouteTable {
  std::map<ConnectorRef, std::shared_ptr<const Route>> routes;
  std::shared_ptr<const crypto::SealKeys> sealing_keys = std::make_shared<crypto::SealKeys>();

  [[nodiscard]] std::shared_ptr<const Route> Find(const ConnectorRef& ref) const {
    const auto it = routes.find(ref);
    return it == routes.end() ? nullptr : it->second;
  }
};

}  // namespace connector::dataplane::routes
