#include "broker/identity/flight.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/this_coro.hpp>

#include <utility>

namespace connector::broker::identity {

Task<bool> Flight::Wait(std::shared_ptr<Flight> flight, Deadline deadline) {
  const Executor executor = co_await asio::this_coro::executor;
  constexpr auto kToken = asio::as_tuple(kUseTask);
  // The wait begins under the lock: between a look at landed_ and the wait, Land could pass unseen.
  auto begin = [flight, executor, deadline](auto handler) {
    const std::lock_guard lock(flight->mutex_);
    Timer& timer = flight->waiters_.emplace_back(executor);
    timer.expires_at(flight->landed_ ? Steady::now() : deadline);
    timer.async_wait(std::move(handler));
  };
  co_await asio::async_initiate<decltype(kToken), void(boost::system::error_code)>(std::move(begin),
                                                                                   kToken);
  const std::lock_guard lock(flight->mutex_);
  co_return flight->landed_;
}

void Flight::Land() {
  const std::lock_guard lock(mutex_);
  landed_ = true;
  for (Timer& waiter : waiters_) {
    waiter.cancel();
  }
}

}  // namespace connector::broker::identity
