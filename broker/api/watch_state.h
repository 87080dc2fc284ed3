#pragma once

// WatchState: what a WatchRoutes stream should have sent to its client by now. Immutable parts,
// replaced whole.

#include "broker/api/sealing_keys.h"
#include "broker/connectors/catalog.h"

#include <memory>
#include <vector>

namespace connector::broker::api {

struct WatchState {
  std::shared_ptr<const connectors::CatalogSnapshot> routes;
  std::shared_ptr<const std::vector<SealingKey>> keys;
};

}  // namespace connector::broker::api
