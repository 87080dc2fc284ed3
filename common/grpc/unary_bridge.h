#pragma once

// The one place where a gRPC callback reactor meets a coroutine.

#include "common/async/task.h"
#include "common/log/log.h"

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>

namespace connector::grpc_support {

// The unary calls of a service that are under way. Thread-safe.
class UnaryCalls {
 public:
  // Both outlive it.
  UnaryCalls(asio::io_context& io, log::Logger& log) : io_(io), log_(log) {}

  // Runs `task` on the io_context, and finishes the call with what it returns. It must not touch
  // the request or the response once it has returned: the reactor frees them. An exception is
  // logged; the peer sees INTERNAL without a detail.
  ::grpc::ServerUnaryReactor* Run(::grpc::CallbackServerContext& context,
                                  Task<::grpc::Status> task);

  // Returns when no call runs any more; the io_context must go on running until then.
  void WaitUntilIdle();

 private:
  void Finish(::grpc::ServerUnaryReactor& reactor,
              const std::exception_ptr& failure,
              ::grpc::Status status);

  asio::io_context& io_;
  log::Logger& log_;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t running_ = 0;
};

// What CappedDeadline leaves for the answer itself: this, or a tenth of a shorter time.
inline constexpr std::chrono::milliseconds kTimeToAnswer{500};

// A little before the peer's deadline, but at most `cap` from now. gRPC counts in wall-clock time.
[[nodiscard]] Deadline CappedDeadline(const ::grpc::ServerContextBase& context,
                                      std::chrono::milliseconds cap);

}  // namespace connector::grpc_support
