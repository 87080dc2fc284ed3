#pragma once

// Forward: the second half of an exchange. Sends the authorized request to the registry, follows
// redirects of blobs inside, repeats once after an upstream 401, and streams the answer back.

#include "dataplane/server/exchange.h"

namespace connector::dataplane::server {

// exchange.grant and exchange.route are set.
[[nodiscard]] Task<After> Forward(Exchange& exchange);

}  // namespace connector::dataplane::server
