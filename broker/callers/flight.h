#pragma once

// Flight: one piece of work under way that any number of coroutines wait for, on any threads of one
// executor. One shot: once it has landed, waiting returns at once. Carries no value and starts
// nothing: its owner keeps the outcome and calls Land. Internal to broker/identity.

#include "common/async/task.h"

#include <boost/asio/basic_waitable_timer.hpp>

#include <chrono>
#include <list>
#include <memory>
#include <mutex>

namespace connector::broker::callers {

class Flight {
 public:
  // False when the deadline passed first. `flight` keeps it alive while anybody waits.
  [[nodiscard]] static Task<bool> Wait(std::shared_ptr<Flight> flight, Deadline deadline);

  // Wakes everyone. Thread-safe.
  void Land();

 private:
  using Steady = std::chrono::steady_clock;
  using Timer = asio::basic_waitable_timer<Steady, asio::wait_traits<Steady>, Executor>;

  // A waiter's timer while it is known here. The timer lives in the waiting coroutine and dies with
  // it: a flight may outlive the io_context, a timer may not.
  class Waiter;

  std::mutex mutex_;  // Also guards every use of the timers, which are not thread-safe.
  bool landed_ = false;
  std::list<Timer*> timers_;
};

}  // namespace connector::broker::callers
