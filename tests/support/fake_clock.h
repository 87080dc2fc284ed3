#pragma once

// A clock that stands still until the test moves it. Thread-safe.

#include "common/base/clock.h"

#include <atomic>

namespace connector::testing_support {

class FakeClock final : public Clock {
 public:
  explicit FakeClock(WallTime now = WallTime{} + std::chrono::hours(24 * 365 * 56)) : now_(now) {}

  [[nodiscard]] WallTime Now() const override { return now_.load(); }
  void Advance(std::chrono::nanoseconds by) {
    now_.store(now_.load() + std::chrono::duration_cast<WallTime::duration>(by));
  }

 private:
  std::atomic<WallTime> now_;
};

}  // namespace connector::testing_support
