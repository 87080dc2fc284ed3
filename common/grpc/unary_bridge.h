#pragma once

// The one place where a gRPC callback reactor meets a coroutine. Runs a unary method's Task on an
// io_context and finishes the reactor with what it returns. Exceptions end here: the peer sees
// INTERNAL without a detail.

#include "common/async/task.h"

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include <chrono>
#include <functional>
#include <string_view>

namespace connector::grpc_support {

struct UnaryHooks {
  std::function<void(std::string_view what)> on_exception;  // what() may name hosts: log only.
  std::function<void()> on_finished;                        // After the reactor was finished.
};

// `task` must not touch the request or the response once it has returned: the reactor frees them.
void RunUnary(asio::io_context& io,
              ::grpc::ServerUnaryReactor& reactor,
              Task<::grpc::Status> task,
              UnaryHooks hooks);

// What CappedDeadline leaves for the answer itself: this, or a tenth of a shorter time.
inline constexpr std::chrono::milliseconds kTimeToAnswer{500};

// A little before the peer's deadline, but at most `cap` from now. gRPC counts in wall-clock time.
[[nodiscard]] Deadline CappedDeadline(const ::grpc::ServerContextBase& context,
                                      std::chrono::milliseconds cap);

}  // namespace connector::grpc_support
