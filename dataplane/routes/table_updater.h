#pragma once

// TableUpdater: what the messages of a route stream make of the route table. Knows nothing of
// streams; owns what routes share, and what outlives a route: TLS contexts and the counters of
// connectors. Each is gone with the last route that uses it.

#include "common/base/result.h"
#include "common/log/log.h"
#include "dataplane/routes/route_table.h"

#include <cstddef>
#include <map>
#include <memory>
#include <string>

namespace connector::broker::v1 {
class CaBundle;
class Route;
class WatchRoutesResponse;
}  // namespace connector::broker::v1

namespace connector::dataplane::routes {

// Not thread-safe.
class TableUpdater {
 public:
  // Every table points to `stream`.
  TableUpdater(log::Logger& logger, std::shared_ptr<const RouteStream> stream);

  // A stream begins: what an earlier one left unfinished was never said.
  void BeginStream();

  // Takes the next part of the stream. The new table when it is the last of its snapshot or
  // changes; null while more is to come. Fails with kInvalidArgument, and takes nothing more of the
  // stream, when that does not begin with a snapshot.
  //
  // A route that cannot be understood serves nobody, and neither does what it was before: an old
  // address or CA must not stay in force.
  [[nodiscard]] Result<std::shared_ptr<const RouteTable>> Take(
      const ::connector::broker::v1::WatchRoutesResponse& part);

 private:
  Result<std::shared_ptr<const Route>> MakeRoute(const ::connector::broker::v1::Route& from);
  Result<net::TlsContext> FindContext(const std::string& digest);
  void TakeBundle(const ::connector::broker::v1::CaBundle& bundle);
  void TakeRoute(const ::connector::broker::v1::Route& from);
  void EraseUnused();

  log::Logger& logger_;
  std::shared_ptr<const RouteTable> table_;  // In force.
  std::shared_ptr<RouteTable> next_;         // Being told; null between updates.
  bool begun_ = false;                       // The stream has begun, with a snapshot.
  // The CA bundles that routes name, also those of routes that were not understood: the broker
  // sends each bundle once.
  std::map<ConnectorRef, std::string> named_;
  std::map<std::string, Result<net::TlsContext>> trusts_;  // By digest of the bundle.
  std::map<ConnectorRef, std::shared_ptr<RouteStats>> stats_;
};

}  // namespace connector::dataplane::routes
