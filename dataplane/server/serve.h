#pragma once

// Serve: one request from its head to its answer, phase by phase (request_context.h), and its line
// in the access log.

#include "dataplane/server/request_context.h"

namespace connector::dataplane::server {

// Serves the request whose head is in `scratch.request`; `buffered` came with the head.
[[nodiscard]] Task<ConnectionAction> Serve(Worker& worker,
                                           ClientConnection& client,
                                           Scratch& scratch,
                                           std::string_view buffered);

}  // namespace connector::dataplane::server
