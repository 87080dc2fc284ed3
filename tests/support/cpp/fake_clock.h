#pragma once

// FakeClock: a wall clock that moves only when the test says so. Thread-safe.

#include "common/base/clock.h"

#include <atomic>
#include <chrono>

namespace connector::testing_support {

class FakeClock final : public Clock {
 public:
  // An instant without meaning, so that nothing depends on the real date.
  static constexpr WallTime kStart{std::chrono::seconds{1'800'000'000}};

  [[nodiscard]] WallTime Now() const override {
    return kStart + std::chrono::milliseconds(elapsed_ms_.load());
  }
  void Advance(std::chrono::milliseconds by) { elapsed_ms_ += by.count(); }

 private:
  std::atomic<std::int64_t> elapsed_ms_{0};
};

}  // namespace connector::testing_support
