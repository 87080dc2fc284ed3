#pragma once

// The data plane's metrics, read from the live counters when they are asked for. The table of names
// stands in dataplane/README.md.

#include "dataplane/routes/route_watcher.h"
#include "dataplane/server/server.h"
#include "dataplane/token/grant_cache.h"

#include <prometheus/collectable.h>

#include <functional>
#include <memory>
#include <vector>

namespace connector::dataplane::app {

// Where the numbers come from; all of it outlives the collector.
struct MetricSources {
  const server::Server& server;
  const token::GrantCache& grants;
  const routes::RouteWatcher& watcher;
  std::function<std::shared_ptr<const routes::RouteTable>()> routes;
};

class DataplaneMetrics final : public prometheus::Collectable {
 public:
  explicit DataplaneMetrics(MetricSources sources) : sources_(std::move(sources)) {}
  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  MetricSources sources_;
};

}  // namespace connector::dataplane::app
