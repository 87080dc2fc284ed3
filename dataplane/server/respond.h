#pragma once

// Respond: writes the registry's answer to the client: head by allow-list, Location and Link
// rewritten, body streamed; error bodies read whole and checked for an echoed credential.

#include "dataplane/server/upstream_call.h"

namespace connector::dataplane::server {

// For both the head of the answer is in scratch.response.
[[nodiscard]] Task<ConnectionAction> Respond(const Authorized& authorized, UpstreamCall& call);

// In place of a 401 or 403 of the registry: a refusal of ours with its own words.
[[nodiscard]] Task<ConnectionAction> RefuseForRegistry(const Authorized& authorized,
                                                       UpstreamCall& call);

}  // namespace connector::dataplane::server
