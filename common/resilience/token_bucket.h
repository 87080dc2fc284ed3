#pragma once

// TokenBucket: a rate with a burst. Full at first; each Take costs one token, and tokens come back
// at the rate. Pure: no clock, no lock; the owner guards it.

#include <algorithm>
#include <chrono>

namespace connector::resilience {

class TokenBucket {
 public:
  using Time = std::chrono::steady_clock::time_point;

  TokenBucket(double per_second, double burst, Time now = {})
      : per_second_(per_second), burst_(burst), tokens_(burst), filled_at_(now) {}

  // False when there is not a whole token: nothing was taken.
  [[nodiscard]] bool Take(Time now) {
    if (!Has(now)) {
      return false;
    }
    tokens_ = TokensAt(now) - 1;
    filled_at_ = std::max(filled_at_, now);
    return true;
  }

  // Takes one that may not be there: up to a burst of them has to come back first.
  void TakeAnyway(Time now) {
    tokens_ = std::max(TokensAt(now) - 1, -burst_);
    filled_at_ = std::max(filled_at_, now);
  }

  [[nodiscard]] bool Has(Time now) const { return TokensAt(now) >= kWhole; }
  // As good as a new one.
  [[nodiscard]] bool Full(Time now) const { return TokensAt(now) >= burst_; }

  // When Take will succeed if nobody else takes; rounded up to a millisecond.
  [[nodiscard]] Time NextAt(Time now) const {
    const double missing = std::max(0.0, 1.0 - TokensAt(now));
    return now + std::chrono::ceil<std::chrono::milliseconds>(Seconds(missing / per_second_));
  }

 private:
  using Seconds = std::chrono::duration<double>;

  // Rounding must not leave anybody waiting for a token that lacks its last billionth.
  static constexpr double kWhole = 1.0 - 1e-9;

  [[nodiscard]] double TokensAt(Time now) const {
    const double since = std::max(0.0, Seconds(now - filled_at_).count());
    return std::min(burst_, tokens_ + since * per_second_);
  }

  double per_second_;
  double burst_;
  double tokens_;
  Time filled_at_;
};

}  // namespace connector::resilience
