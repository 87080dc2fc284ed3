#pragma once

// The answers that the data plane gives by itself: refusals, and GET /v2/.

#include "dataplane/server/request_context.h"

namespace connector::dataplane::server {

// Sends the rejection's answer; the access log says its decision.
[[nodiscard]] Task<ConnectionAction> Refuse(RequestContext& context, Rejection rejection);

// GET /v2/ of a caller that the broker knows.
[[nodiscard]] Task<ConnectionAction> AnswerPing(RequestContext& context);

// How long the client may take for scratch.out, as far as it does not fit into the kernel: the idle
// timeout, and what its bytes need at the least rate.
[[nodiscard]] std::chrono::milliseconds ClientWriteTime(const RequestContext& context);

// Whether and how the connection goes on after an answer that was written whole.
[[nodiscard]] ConnectionAction Continue(RequestContext& context, bool keep_alive);

}  // namespace connector::dataplane::server
