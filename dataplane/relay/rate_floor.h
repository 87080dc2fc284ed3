#pragma once

// RateFloor: the least rate at which a client has to take or to send a body while the data plane
// waits for it. Pure: no clock. Only time spent waiting for the client counts, so a slow registry
// is never laid at its door, and a client that keeps up is never measured.

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace connector::dataplane::relay {

class RateFloor {
 public:
  using Duration = std::chrono::steady_clock::duration;

  // Judges each time that the waiting comes to `window` in all. No floor when the rate is 0.
  RateFloor(std::uint64_t bytes_per_second, std::chrono::milliseconds window)
      : window_(std::max<Duration>(window, std::chrono::milliseconds(1))),
        least_bytes_(bytes_per_second * static_cast<std::uint64_t>(window.count()) / 1000) {}

  void Moved(std::uint64_t bytes) { moved_bytes_ += bytes; }

  // The longest wait after which it judges.
  [[nodiscard]] std::chrono::milliseconds Left() const {
    return std::chrono::ceil<std::chrono::milliseconds>(window_ - waited_);
  }

  // A wait has ended. False when the client is too slow.
  [[nodiscard]] bool Waited(Duration time) {
    waited_ += time;
    if (waited_ < window_) {
      return true;
    }
    const bool enough = moved_bytes_ >= least_bytes_;
    waited_ = {};
    moved_bytes_ = 0;
    return enough;
  }

 private:
  Duration window_;
  std::uint64_t least_bytes_;
  Duration waited_{};
  std::uint64_t moved_bytes_ = 0;
};

}  // namespace connector::dataplane::relay
