#pragma once

// What the status page of a data plane shows: the connectors with their traffic, the totals, the
// cache of grants, the newest failures and the route stream. Never a secret, a token or a caller's
// name.

#include "common/admin/status_report.h"
#include "dataplane/app/metrics.h"

#include <string>

namespace connector::dataplane::app {

void AddStatus(const DataplaneSources& sources,
               const std::string& broker_address,
               admin::StatusReport& status);

}  // namespace connector::dataplane::app
