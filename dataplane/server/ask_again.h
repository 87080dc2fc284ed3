#pragma once

// AskAgain: what becomes of a request under way when another deny list comes into force. Its grant
// was checked against the list of before; the broker says whether the new one names its caller.

#include "common/async/task.h"
#include "dataplane/server/worker.h"

#include <string>

namespace connector::dataplane::server {

// True only when the broker says so. Where it cannot be asked, or only a broker that is behind
// answers for `route_wait`, work under way goes on (promise P9).
[[nodiscard]] Task<bool> IsDeniedByOperator(Worker& worker,
                                            std::string cache_key,
                                            token::GrantRequest grant_request);

}  // namespace connector::dataplane::server
