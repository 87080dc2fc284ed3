#pragma once

// Exponential backoff with one jitter rule: the wait doubles with each failure in a row, up to the
// longest, and of that at least half passes. So clients that failed together do not return
// together, and none returns at once.
//
// Pure: no clock, no random source. Each user keeps its own first and longest wait.

#include <algorithm>
#include <chrono>

namespace connector::resilience {

struct BackoffOptions {
  std::chrono::milliseconds first{500};
  std::chrono::milliseconds longest{30'000};
};

// The wait after `failures` failures in a row, from half of the whole to the whole. `failures` is
// at least 1; `random` is in [0, 1).
[[nodiscard]] inline std::chrono::milliseconds BackoffAfter(const BackoffOptions& options,
                                                            unsigned failures,
                                                            double random) {
  constexpr unsigned kMaxDoublings = 20;  // Enough to get from a millisecond to any longest wait.
  const unsigned doublings = std::min(std::max(failures, 1U) - 1, kMaxDoublings);
  const auto whole =
      std::min<std::chrono::milliseconds>(options.first * (1LL << doublings), options.longest);
  return std::chrono::duration_cast<std::chrono::milliseconds>(whole * (0.5 + random / 2));
}

// A period that many members keep, moved by up to a tenth either way. `random` is in [0, 1).
template <typename Duration>
[[nodiscard]] Duration SpreadPeriod(Duration period, double random) {
  return std::chrono::duration_cast<Duration>(period * (0.9 + 0.2 * random));
}

// Counts the failures.
class Backoff {
 public:
  explicit Backoff(BackoffOptions options) : options_(options) {}

  // The wait before the next attempt, after one more failure.
  [[nodiscard]] std::chrono::milliseconds Next(double random) {
    failures_ = std::min(failures_ + 1, kMaxCounted);
    return BackoffAfter(options_, failures_, random);
  }
  void Reset() { failures_ = 0; }

 private:
  static constexpr unsigned kMaxCounted = 1000;

  BackoffOptions options_;
  unsigned failures_ = 0;
};

}  // namespace connector::resilience
