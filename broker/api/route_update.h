#pragma once

// RouteUpdate: what WatchRoutes sends, in parts of a bounded size: a snapshot, or the difference
// between what was sent last and what holds now. Pure. Because a difference is made when it can be
// sent, a slow client costs no queue: it gets the newest state of each connector, and skips what
// came and went in between. Parts are made one by one: nobody holds all of them.

#include "broker/api/watch_state.h"

#include "proto/connector/broker/v1/broker.pb.h"

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace connector::broker::api {

// gRPC takes messages of 4 MiB. A part may exceed this by its last route and that one's CA bundle,
// which have a bound each (proto/connector/config/v1/resource.proto, common/resource/ca_bundle.h).
inline constexpr std::size_t kRoutePartBytes = std::size_t{256} * 1024;

class RouteUpdate {
 public:
  // Without routes in `sent` a snapshot: everything, and at least one part. Else the routes whose
  // content changed and those that are gone; no part when nothing did.
  RouteUpdate(const WatchState& sent, WatchState now);

  [[nodiscard]] bool done() const { return done_; }
  // The next part; the last one has `end` set. Only while not done.
  [[nodiscard]] v1::WatchRoutesResponse NextPart();

 private:
  using EntryPtr = std::shared_ptr<const connectors::CatalogEntry>;

  // Each adds one thing, and returns its size.
  std::size_t AddRemoved(v1::WatchRoutesResponse& part);
  std::size_t AddRoute(v1::WatchRoutesResponse& part);

  const WatchState now_;
  bool snapshot_ = false;  // Not said yet.
  bool done_ = false;
  std::vector<ConnectorRef> removed_;  // What is left to be sent, last first.
  std::vector<EntryPtr> changed_;
  std::set<std::string> known_bundles_;  // Digests of those that the client has.
};

}  // namespace connector::broker::api
