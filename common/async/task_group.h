#pragma once

// TaskGroup: owns the coroutines that were spawned in it. Once it is closed nothing more starts,
// and its owner waits until all have ended. Thread-safe. A coroutine's frame must keep alive what
// it uses (a shared_ptr among its parameters).

#include "common/async/one_shot.h"
#include "common/async/task.h"
#include "common/base/result.h"

#include <boost/asio/co_spawn.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <utility>

namespace connector {

class TaskGroup {
 public:
  explicit TaskGroup(Executor executor) : executor_(executor) {}

  // False when the group is closed; `task` then never starts. An exception ends `task` alone.
  // Not under a lock: a spawned coroutine may run at once.
  bool Spawn(Task<void> task) {
    {
      const std::lock_guard lock(state_->mutex);
      if (state_->closed) {
        return false;
      }
      ++state_->active;
    }
    asio::co_spawn(executor_, std::move(task), [state = state_](const std::exception_ptr&) {
      state->Ended();
    });
    return true;
  }

  // Closes, and waits. False when `deadline` came first.
  [[nodiscard]] Task<bool> Close(Deadline deadline) {
    const std::shared_ptr<State> state = state_;
    {
      const std::lock_guard lock(state->mutex);
      state->closed = true;
      if (state->active == 0) {
        state->idle->Set(Done{});
      }
    }
    co_return (co_await OneShot<Done>::Wait(state->idle, deadline)).has_value();
  }

 private:
  struct State {
    std::mutex mutex;
    std::size_t active = 0;
    bool closed = false;
    std::shared_ptr<OneShot<Done>> idle = std::make_shared<OneShot<Done>>();

    void Ended() {
      const std::lock_guard lock(mutex);
      if (--active == 0 && closed) {
        idle->Set(Done{});
      }
    }
  };

  Executor executor_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace connector
