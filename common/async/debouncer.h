#pragma once

// Debouncer: calls a function soon after it was requested to, once for all who ask meanwhile.
// Thread-safe.

#include "common/async/one_shot.h"
#include "common/async/scope.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <utility>

namespace connector {

class Debouncer {
 public:
  // `call` and what it uses live until the scope is closed.
  Debouncer(std::shared_ptr<Scope> scope,
            std::chrono::milliseconds delay,
            std::function<void()> call)
      : state_(std::make_shared<State>(delay, std::move(call))), scope_(std::move(scope)) {}

  void Request() {
    if (!state_->requested.exchange(true)) {
      scope_->Spawn(Run(state_));
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
  std::shared_ptr<Scope> scope_;
};

}  // namespace connector
