#pragma once

// SharedRate: a rate with a burst that many share, divided by holder. Each Take costs one. What was
// taken comes back at the rate, in equal parts to all who hold some, and to each of them at no more
// than `per_second_each`; a holder may have as much as `weight` times what is then free. So whoever
// asks without end gets an equal part of the rate, alone `per_second_each`, and leaves a part of
// the burst to others: alone one of `weight + 1` parts.
//
// Pure: no clock, no lock; the owner guards it. shared_budget.h has the same rule for what is given
// back by its holders.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <iterator>
#include <limits>
#include <map>

namespace connector::resilience {

template <typename Holder>
class SharedRate {
 public:
  using Time = std::chrono::steady_clock::time_point;

  SharedRate(double per_second,
             double burst,
             double weight,
             double per_second_each = std::numeric_limits<double>::infinity())
      : per_second_(per_second),
        per_second_each_(per_second_each),
        burst_(burst),
        weight_(weight) {}

  // False when nothing whole is left, or the holder has its share: nothing was taken.
  [[nodiscard]] bool Take(const Holder& holder, Time now) {
    ComeBack(now);
    const auto found = held_.find(holder);
    const double held = found == held_.end() ? 0 : found->second;
    const double free = burst_ - taken_ + kNothing;
    // Of the little that is left anybody without a share may have some.
    const bool fair = held == 0 || held + 1 <= free * weight_;
    if (free < 1 || !fair) {
      return false;
    }
    held_[holder] = held + 1;
    taken_ += 1;
    return true;
  }

  // As good as a new one.
  [[nodiscard]] bool Full(Time now) {
    ComeBack(now);
    return held_.empty();
  }
  // Who still has something: a few times the burst at most.
  [[nodiscard]] std::size_t holders() const { return held_.size(); }

 private:
  static constexpr double kNothing = 1e-9;  // What rounding may leave.

  void ComeBack(Time now) {
    const double since = std::max(0.0, std::chrono::duration<double>(now - since_).count());
    since_ = std::max(since_, now);
    double amount = std::min(since * per_second_, taken_);
    double left_each = std::min(since * per_second_each_, burst_);
    // Each round spends all, or what each may have, or ends a holder.
    while (amount > kNothing && left_each > kNothing && !held_.empty()) {
      const double each = std::min(amount / static_cast<double>(held_.size()), left_each);
      left_each -= each;
      for (auto it = held_.begin(); it != held_.end();) {
        const double part = std::min(each, it->second);
        it->second -= part;
        amount -= part;
        taken_ -= part;
        it = it->second <= kNothing ? held_.erase(it) : std::next(it);
      }
    }
    taken_ = held_.empty() ? 0 : taken_;
  }

  double per_second_;
  double per_second_each_;
  double burst_;
  double weight_;
  double taken_ = 0;
  Time since_;
  std::map<Holder, double, std::less<>> held_;
};

}  // namespace connector::resilience
