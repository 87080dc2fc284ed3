#pragma once

// Forward: the last phase. Sends the authorized request to the registry, follows redirects of
// blobs inside, repeats once after an upstream 401, and streams the answer back.

#include "dataplane/server/authorized.h"

namespace connector::dataplane::server {

// `authorized` lives until the task ends; a repetition with a new grant replaces it.
[[nodiscard]] Task<ConnectionAction> Forward(Authorized& authorized);

}  // namespace connector::dataplane::server
