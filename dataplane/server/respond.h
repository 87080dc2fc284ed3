#pragma once

// Respond: writes the registry's answer to the client: head by allow-list, Location and Link
// rewritten, body streamed; error bodies read whole and checked for an echoed credential.

#include "dataplane/server/upstream_call.h"

namespace connector::dataplane::server {

// The head of the answer is in scratch.response.
[[nodiscard]] Task<ConnectionAction> Respond(const Authorized& authorized, UpstreamCall& call);

}  // namespace connector::dataplane::server
