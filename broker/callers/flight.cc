#include "broker/callers/flight.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/this_coro.hpp>

#include <utility>

namespace connector::broker::callers {

class Flight::Waiter {
 public:
  Waiter(Flight& flight, Executor executor, Deadline deadline)
      : flight_(flight), timer_(executor, deadline) {
    const std::lock_guard lock(flight_.mutex_);
    place_ = flight_.timers_.insert(flight_.timers_.end(), &timer_);
  }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter() {
    const std::lock_guard lock(flight_.mutex_);
    flight_.timers_.erase(place_);
  }

  // The wait begins under the lock: between a look at landed_ and the wait, Land could pass unseen.
  template <typename Handler>
  void Begin(Handler handler) {
    const std::lock_guard lock(flight_.mutex_);
    if (flight_.landed_) {
      timer_.expires_at(Steady::time_point::min());
    }
    timer_.async_wait(std::move(handler));
  }

 private:
  Flight& flight_;
  Timer timer_;
  std::list<Timer*>::iterator place_;
};

Task<bool> Flight::Wait(std::shared_ptr<Flight> flight, Deadline deadline) {
  const Executor executor = co_await asio::this_coro::executor;
  constexpr auto kToken = asio::as_tuple(kUseTask);
  Waiter waiter(*flight, executor, deadline);
  auto begin = [&waiter](auto handler) { waiter.Begin(std::move(handler)); };
  co_await asio::async_initiate<decltype(kToken), void(boost::system::error_code)>(std::move(begin),
                                                                                   kToken);
  const std::lock_guard lock(flight->mutex_);
  co_return flight->landed_;
}

void Flight::Land() {
  const std::lock_guard lock(mutex_);
  landed_ = true;
  for (Timer* timer : timers_) {
    timer->cancel();
  }
}

}  // namespace connector::broker::callers
