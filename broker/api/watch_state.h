#pragma once

// WatchState: what a WatchRoutes stream should have sent to its client by now. Immutable, replaced
// whole.

#include "broker/connectors/catalog.h"

#include <memory>
#include <string>

namespace connector::broker::api {

struct WatchState {
  std::shared_ptr<const connectors::CatalogSnapshot> routes;
  std::string deny_list = {};  // Its version; empty when it denies nobody.
};

}  // namespace connector::broker::api
