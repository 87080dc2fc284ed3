#pragma once

// The wall clock behind an interface, so that tests choose the time. Durations and timeouts use
// std::chrono::steady_clock directly.

#include <chrono>

namespace connector {

using WallTime = std::chrono::system_clock::time_point;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual WallTime Now() const = 0;

 protected:
  Clock() = default;
  Clock(const Clock&) = default;
  Clock& operator=(const Clock&) = default;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] WallTime Now() const override { return std::chrono::system_clock::now(); }
};

}  // namespace connector
