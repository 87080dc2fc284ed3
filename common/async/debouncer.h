#pragma once

// Debouncer: calls a function soon after it was requested to, once for all who ask meanwhile.
// Thread-safe.

#include "common/async/one_shot.h"
#include "common/async/task_group.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <utility>

namespace connector {

class Debouncer {
 public:
  // `call` and what it uses live until the group is closed.
  Debouncer(std::shared_ptr<TaskGroup> tasks,
            std::chrono::milliseconds delay,
            std::function<void()> call)
      : state_(std::make_shared<State>(delay, std::move(call))), tasks_(std::move(tasks)) {}

  void Request() {
    if (!state_->requested.exchange(true)) {
      tasks_->Spawn(Run(state_));
    }
  }

 private:
  struct State {
    State(std::chrono::milliseconds time, std::function<void()> what)
        : delay(time), call(std::move(what)) {}

    const std::chrono::milliseconds delay;
    const std::function<void()> call;
    std::atomic<bool> requested = false;
  };

  static Task<void> Run(std::shared_ptr<State> state) {
    const auto never = std::make_shared<OneShot<Done>>();
    co_await OneShot<Done>::Wait(never, std::chrono::steady_clock::now() + state->delay);
    state->requested = false;  // First: who asks from here on has seen something newer.
    state->call();
  }

  std::shared_ptr<State> state_;
  std::shared_ptr<TaskGroup> tasks_;
};

}  // namespace connector
