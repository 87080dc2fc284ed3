#pragma once

// Notifications: remembers what a follower of a SecretStore was told, and waits for it.

#include "broker/secrets/secret_store.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace connector::broker::secrets {

class Notifications {
 public:
  [[nodiscard]] std::function<void(const SecretRef&)> Listener() {
    return [state = state_](const SecretRef& ref) {
      const std::lock_guard lock(state->mutex);
      state->seen.push_back(ref);
      state->changed.notify_all();
    };
  }

  // True once `ref` was told `count` times; false when that takes longer than it may.
  [[nodiscard]] bool WaitFor(const SecretRef& ref, std::ptrdiff_t count) {
    std::unique_lock lock(state_->mutex);
    return state_->changed.wait_for(lock, std::chrono::seconds(10), [&] {
      return std::count(state_->seen.begin(), state_->seen.end(), ref) >= count;
    });
  }

  [[nodiscard]] std::ptrdiff_t Count(const SecretRef& ref) {
    const std::lock_guard lock(state_->mutex);
    return std::count(state_->seen.begin(), state_->seen.end(), ref);
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<SecretRef> seen;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();  // A store may outlive the test body.
};

}  // namespace connector::broker::secrets
