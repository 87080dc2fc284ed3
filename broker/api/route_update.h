#pragma once

// What WatchRoutes sends: a snapshot, then the difference between what was sent last and what holds
// now. Pure. Because a difference is made when it can be sent, a slow client costs no queue: it
// gets the newest state of each connector, and skips what came and went in between.

#include "broker/api/sealing_keys.h"
#include "broker/connectors/catalog.h"

#include "proto/connector/broker/v1/broker.pb.h"

#include <vector>

namespace connector::broker::api {

// Everything; for the first message of a stream.
[[nodiscard]] v1::WatchRoutesResponse RouteSnapshot(const connectors::CatalogSnapshot& now,
                                                    const std::vector<SealingKey>& keys);

// Routes whose content changed, and those that are gone. Without routes, removals and keys when
// nothing did.
[[nodiscard]] v1::WatchRoutesResponse RouteChanges(const connectors::CatalogSnapshot& sent,
                                                   const connectors::CatalogSnapshot& now);

void SetSealingKeys(v1::WatchRoutesResponse& response, const std::vector<SealingKey>& keys);

[[nodiscard]] bool IsEmpty(const v1::WatchRoutesResponse& response);

}  // namespace connector::broker::api
