#include "common/grpc/unary_bridge.h"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace connector::grpc_support {

::grpc::ServerUnaryReactor* UnaryCalls::Run(::grpc::CallbackServerContext& context,
                                            Task<::grpc::Status> task) {
  {
    const std::lock_guard lock(mutex_);
    ++running_;
  }
  ::grpc::ServerUnaryReactor* const reactor = context.DefaultReactor();
  asio::co_spawn(io_,
                 std::move(task),
                 [this, reactor](const std::exception_ptr& failure, ::grpc::Status status) {
                   Finish(*reactor, failure, std::move(status));
                 });
  return reactor;
}

void UnaryCalls::Finish(::grpc::ServerUnaryReactor& reactor,
                        const std::exception_ptr& failure,
                        ::grpc::Status status) {
  if (failure) {
    std::string what = "not a std::exception";
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& error) {
      what = error.what();
    } catch (...) {  // NOLINT(bugprone-empty-catch): `what` says it.
    }
    log_.Error("a call failed with an exception", {{"error", what}});
    status = ::grpc::Status(::grpc::StatusCode::INTERNAL, "internal error");
  }
  reactor.Finish(std::move(status));
  const std::lock_guard lock(mutex_);
  --running_;
  idle_.notify_all();
}

void UnaryCalls::WaitUntilIdle() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return running_ == 0; });
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
