#pragma once

// SharedBudget: a bounded amount of something that many share before anybody knows who they are:
// connections, bytes of memory. It is divided by holder, so that none can take all: a holder may
// have as much as is then still free. Alone that is half, of n it is one part of n + 1, and there
// is always something left for the next one. Thread-safe.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace connector::resilience {

// The rule: may who holds `held` of `limit`, of which `taken` are taken, have `amount` more, when
// each may hold `weight` times what is free?
[[nodiscard]] inline bool IsFairShare(std::uint64_t held,
                                      std::uint64_t amount,
                                      std::uint64_t taken,
                                      std::uint64_t limit,
                                      std::uint64_t weight = 1) {
  const std::uint64_t free = limit > taken ? limit - taken : 0;
  return amount <= free && held + amount <= free * weight;
}

template <typename Holder, typename Hash = std::hash<Holder>>
class SharedBudget {
 public:
  // `max_each` is the most that one holder may have; 0 for its fair share, which is `weight` times
  // what is free.
  explicit SharedBudget(std::uint64_t limit, std::uint64_t max_each = 0, std::uint64_t weight = 1)
      : limit_(limit), max_each_(max_each), weight_(weight) {}

  enum class Answer : std::uint8_t {
    kTaken,
    kHolderFull,  // This holder has its share.
    kFull,        // There is nothing left for anybody.
  };

  [[nodiscard]] Answer Take(const Holder& holder, std::uint64_t amount = 1) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t taken = taken_.load(std::memory_order_relaxed);
    if (taken + amount > limit_) {
      return Answer::kFull;
    }
    const auto found = held_.find(holder);
    const std::uint64_t held = found == held_.end() ? 0 : found->second;
    const bool fair = max_each_ > 0 ? held + amount <= max_each_
                                    : IsFairShare(held, amount, taken, limit_, weight_);
    // Of the little that is left anybody without a share may have some.
    if (!fair && held > 0) {
      return Answer::kHolderFull;
    }
    Add(holder, amount);
    return Answer::kTaken;
  }

  // In the place of a holder that will give back soon: above the limit for so long.
  void TakeInPlace(const Holder& holder, std::uint64_t amount = 1) {
    const std::lock_guard lock(mutex_);
    Add(holder, amount);
  }

  void GiveBack(const Holder& holder, std::uint64_t amount = 1) {
    const std::lock_guard lock(mutex_);
    taken_.fetch_sub(amount, std::memory_order_relaxed);
    const auto found = held_.find(holder);
    found->second -= amount;
    if (found->second == 0) {
      held_.erase(found);
    }
  }

  [[nodiscard]] std::uint64_t taken() const { return taken_.load(std::memory_order_relaxed); }
  // Of holders that have something: what is given back leaves nothing behind.
  [[nodiscard]] std::size_t holders() const {
    const std::lock_guard lock(mutex_);
    return held_.size();
  }

 private:
  void Add(const Holder& holder, std::uint64_t amount) {
    held_[holder] += amount;
    taken_.fetch_add(amount, std::memory_order_relaxed);
  }

  const std::uint64_t limit_;
  const std::uint64_t max_each_;
  const std::uint64_t weight_;
  mutable std::mutex mutex_;
  std::unordered_map<Holder, std::uint64_t, Hash> held_;
  std::atomic<std::uint64_t> taken_{0};
};

// What one holder has of a budget, given back at the end.
template <typename Budget, typename Holder>
class BudgetShare {
 public:
  BudgetShare() = default;
  ~BudgetShare() { GiveBack(); }
  BudgetShare(const BudgetShare&) = delete;
  BudgetShare& operator=(const BudgetShare&) = delete;

  // False, and nothing is held, when the budget has nothing for this holder. What is held already
  // stays the only thing held.
  [[nodiscard]] bool Take(Budget& budget, const Holder& holder, std::uint64_t amount = 1) {
    if (budget_ == nullptr && budget.Take(holder, amount) == Budget::Answer::kTaken) {
      budget_ = &budget;
      holder_ = holder;
      amount_ = amount;
    }
    return budget_ != nullptr;
  }
  void GiveBack() {
    if (Budget* const budget = std::exchange(budget_, nullptr)) {
      budget->GiveBack(holder_, amount_);
    }
  }

 private:
  Budget* budget_ = nullptr;
  Holder holder_{};
  std::uint64_t amount_ = 0;
};

}  // namespace connector::resilience
