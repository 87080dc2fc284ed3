#pragma once

// Timers: one coarse clock per worker. It wakes four times a second, times out waits that are past
// their deadline, and runs a few periodic duties. Nothing on the request path asks the kernel for
// the time or arms a timer of its own.

#include "common/async/task.h"
#include "common/base/clock.h"

#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <vector>

namespace connector::dataplane::net {

inline constexpr std::chrono::milliseconds kTick{250};

// A wait that can be timed out. Owned by whoever waits; linked into the list of its worker's Timers
// only while it waits.
class TimedWait {
 public:
  TimedWait() = default;
  TimedWait(const TimedWait&) = delete;
  TimedWait& operator=(const TimedWait&) = delete;

  virtual ~TimedWait();

 protected:
  // Called once, on the worker's thread, when the deadline has passed.
  virtual void OnTimeout() = 0;

 private:
  friend class Timers;
  void Unlink();

  TimedWait* next_ = nullptr;
  TimedWait* previous_ = nullptr;
  std::chrono::steady_clock::time_point deadline_;
};

// Not thread-safe: belongs to the one thread that runs `io`.
class Timers {
 public:
  explicit Timers(asio::io_context& io);

  void Start();
  void Stop();

  // At most one tick old.
  [[nodiscard]] std::chrono::steady_clock::time_point Now() const { return now_; }
  [[nodiscard]] WallTime WallNow() const { return wall_now_; }

  void Arm(TimedWait& wait, std::chrono::milliseconds timeout);
  static void Disarm(TimedWait& wait) { wait.Unlink(); }

  // Runs `duty` at every tick.
  void OnTick(std::function<void()> duty) { duties_.push_back(std::move(duty)); }

 private:
  struct Head final : TimedWait {
    void OnTimeout() override {}
  };

  void Schedule();
  void Tick();

  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>,
                             Executor>
      timer_;
  Head head_;  // Of a circular list.
  std::vector<std::function<void()>> duties_;
  std::chrono::steady_clock::time_point now_;
  WallTime wall_now_;
  bool running_ = false;
};

}  // namespace connector::dataplane::net
