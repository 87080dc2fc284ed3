#include "common/grpc/unary_bridge.h"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace connector::grpc_support {

void RunUnary(asio::io_context& io,
              ::grpc::ServerUnaryReactor& reactor,
              Task<::grpc::Status> task,
              UnaryHooks hooks) {
  auto finish = [&reactor, hooks = std::move(hooks)](std::exception_ptr failure,
                                                     ::grpc::Status status) {
    if (failure) {
      try {
        std::rethrow_exception(failure);
      } catch (const std::exception& error) {
        hooks.on_exception(error.what());
      } catch (...) {
        hooks.on_exception("not a std::exception");
      }
      status = ::grpc::Status(::grpc::StatusCode::INTERNAL, "internal error");
    }
    reactor.Finish(std::move(status));
    hooks.on_finished();
  };
  asio::co_spawn(io, std::move(task), std::move(finish));
}

Deadline CappedDeadline(const ::grpc::ServerContextBase& context, std::chrono::milliseconds cap) {
  auto left = context.deadline() - std::chrono::system_clock::now();
  // An answer that says what took too long must still arrive before the caller gives up.
  left -= std::min<decltype(left)>(left / 10, kTimeToAnswer);
  const auto now = std::chrono::steady_clock::now();
  // Compared before it is added: "no deadline" is the largest time there is.
  return left < cap ? now + std::max(left, left.zero()) : now + cap;
}

}  // namespace connector::grpc_support
