#pragma once

// RouteTable: what this data plane knows of the connectors, as the broker last told. Immutable once
// published: a change makes a new table, and every worker swaps its pointer. Holds no secret.

#include "common/base/connector_ref.h"
#include "common/http/origin.h"
#include "common/routing/route_settings.h"
#include "common/routing/upstream_policy.h"
#include "dataplane/net/tls.h"
#include "dataplane/relay/request_slots.h"

#include <atomic>
#include <chrono>
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

// Whether a broker tells of changes now. Written by the watcher, read by all cores.
class RouteStream {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  void SetConnected() { lost_since_ = kConnected; }
  // The first call since SetConnected counts.
  void SetLost(TimePoint now) {
    TimePoint::rep connected = kConnected;
    lost_since_.compare_exchange_strong(connected, now.time_since_epoch().count());
  }
  // For how long nobody has told; zero while somebody does.
  [[nodiscard]] std::chrono::steady_clock::duration SilentFor(TimePoint now) const {
    const TimePoint::rep since = lost_since_;
    return since == kConnected ? TimePoint::duration{}
                               : now - TimePoint(TimePoint::duration(since));
  }

 private:
  static constexpr TimePoint::rep kConnected = 0;
  std::atomic<TimePoint::rep> lost_since_{kConnected};
};

// So long, what a broker grants anew is still used with routes that nobody renews (promise P6).
inline constexpr std::chrono::seconds kMaxRouteSilence{60};

struct Route {
  ConnectorRef ref;
  http::Origin origin;
  net::TlsContext tls;  // Null for a plain-HTTP upstream; also used for its redirect targets.
  // Equal profiles may share a connection: the digests of CA bundle and upstream policy.
  std::string profile;
  std::vector<std::string> mirror_hosts;
  routing::Redirects redirects;
  routing::Limits limits;
  bool allow_insecure = false;
  std::shared_ptr<const routing::UpstreamPolicy> upstream_policy =
      std::make_shared<routing::UpstreamPolicy>();
  bool docker_hub = false;
  std::string epoch;
  std::string secret_class;  // "derived", "bounded", "static" or "none".
  std::shared_ptr<RouteStats> stats;
};

struct RouteTable {
  std::map<ConnectorRef, std::shared_ptr<const Route>> routes;
  std::string deny_list;  // Version of the one in force: only grants by it are used.

  std::shared_ptr<const RouteStream> stream = std::make_shared<RouteStream>();  // Of all tables.

  [[nodiscard]] std::shared_ptr<const Route> Find(const ConnectorRef& ref) const {
    const auto it = routes.find(ref);
    return it == routes.end() ? nullptr : it->second;
  }
};

}  // namespace connector::dataplane::routes
