#pragma once

// CheckConnector's answer from what the prober found.

#include "broker/api/operator_handler.h"
#include "broker/health_check/prober.h"

namespace connector::broker::api {

// `prober` outlives the function.
[[nodiscard]] ProbeFunction ProbeWith(health_check::Prober& prober);

}  // namespace connector::broker::api
