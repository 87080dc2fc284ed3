#pragma once

// TableUpdater: what a message of the route stream makes of the route table. Knows nothing of
// streams; keeps between messages what routes share: TLS contexts and the counters of connectors.

#include "common/base/result.h"
#include "common/log/log.h"
#include "dataplane/routes/route_table.h"

#include <map>
#include <memory>
#include <string>

namespace connector::broker::v1 {
class Route;
class WatchRoutesResponse;
}  // namespace connector::broker::v1

namespace connector::dataplane::routes {

// Not thread-safe.
class TableUpdater {
 public:
  explicit TableUpdater(log::Logger& logger) : logger_(logger) {}

  // The table after `update`. A snapshot starts from nothing. A route that cannot be understood
  // serves nobody, and neither does what it was before: an old address or CA must not stay in
  // force.
  [[nodiscard]] std::shared_ptr<const RouteTable> Apply(
      const RouteTable& table, const ::connector::broker::v1::WatchRoutesResponse& update);

 private:
  Result<std::shared_ptr<const Route>> MakeRoute(const ::connector::broker::v1::Route& from);
  std::shared_ptr<const crypto::SealKeys> MakeKeys(
      const ::connector::broker::v1::WatchRoutesResponse& update);
  Result<net::TlsContext> ContextFor(const std::string& ca_pem);

  log::Logger& logger_;
  std::map<std::string, net::TlsContext> contexts_;  // By CA bundle.
  std::map<ConnectorRef, std::shared_ptr<RouteStats>> stats_;
};

}  // namespace connector::dataplane::routes
