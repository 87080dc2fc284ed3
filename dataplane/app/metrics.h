#pragma once

// The data plane's metrics, read from the live counters when they are asked for. The table of names
// stands in dataplane/README.md.

#include "dataplane/certificates/certificate_cache.h"
#include "dataplane/routes/route_watcher.h"
#include "dataplane/server/server.h"
#include "dataplane/token/grant_cache.h"

#include <prometheus/metric_family.h>

#include <vector>

namespace connector::dataplane::app {

// Where the numbers come from.
struct DataplaneSources {
  const server::Server& server;
  const token::GrantCache& grants;
  const routes::RouteWatcher& watcher;
  const certificates::CertificateCache* certificates = nullptr;  // Null: none are asked for.
};

[[nodiscard]] std::vector<prometheus::MetricFamily> DataplaneFamilies(
    const DataplaneSources& sources);

}  // namespace connector::dataplane::app
