#pragma once

// HeldAnswers: lets a fake of something asynchronous answer at once, or when the test says so.
// Thread-safe.

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace connector::testing_support {

class HeldAnswers {
 public:
  // Runs `answer`, now or at Release. Without the lock of this or of its owner.
  void Give(std::function<void()> answer) {
    {
      const std::lock_guard lock(mutex_);
      if (holding_) {
        held_.push_back(std::move(answer));
        return;
      }
    }
    answer();
  }
  // From now on answers wait for Release.
  void Hold() {
    const std::lock_guard lock(mutex_);
    holding_ = true;
  }
  void Release() {
    std::vector<std::function<void()>> held;
    {
      const std::lock_guard lock(mutex_);
      holding_ = false;
      held.swap(held_);
    }
    for (const auto& answer : held) {
      answer();
    }
  }

 private:
  std::mutex mutex_;
  bool holding_ = false;
  std::vector<std::function<void()>> held_;
};

}  // namespace connector::testing_support
