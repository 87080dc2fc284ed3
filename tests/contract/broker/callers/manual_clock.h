#pragma once

// A wall clock that stands still until a test moves it. Thread-safe.

#include "common/base/clock.h"

#include <atomic>
#include <chrono>
#include <cstdint>

namespace connector::testing_support {

class ManualClock final : public Clock {
 public:
  explicit ManualClock(std::int64_t unix_seconds = 1'800'000'000) : seconds_(unix_seconds) {}

  [[nodiscard]] WallTime Now() const override {
    return WallTime{std::chrono::seconds{seconds_.load()}};
  }
  [[nodiscard]] std::int64_t Seconds() const { return seconds_.load(); }
  void Advance(std::chrono::seconds by) { seconds_ += by.count(); }

 private:
  std::atomic<std::int64_t> seconds_;
};

}  // namespace connector::testing_support
