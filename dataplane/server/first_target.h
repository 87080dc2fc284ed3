#pragma once

// Where a request goes first: to the registry, or to where a session or page that we sealed says.
// What was sealed is opened here and checked against the route of now.

#include "dataplane/oci/errors.h"
#include "dataplane/server/authorized.h"
#include "dataplane/server/upstream_call.h"

#include <variant>

namespace connector::dataplane::server {

using FirstHop = std::variant<UpstreamTarget, oci::ErrorReply>;

// A refusal where what was sealed for the request does not open.
[[nodiscard]] FirstHop FirstTarget(const Authorized& authorized);

}  // namespace connector::dataplane::server
