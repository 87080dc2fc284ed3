#pragma once

// SingleFlight<Value>: one call under way that any number of coroutines wait for.
// SingleFlightGroup<Key, Value>: the same for each key.
//
// They run nothing and hold no lock. The owner guards them with the lock that also guards what the
// call fills (a cache, say), because both must change together: a caller that looked into the
// cache before the call ended, and joins after it, would else ask a second time. The owner looks,
// joins or starts under its lock; it keeps the value and calls Complete under its lock; then it
// wakes the waiters with Set, once the lock is released.
//
// Each waiter has a deadline of its own, which ends its wait and never the call.

#include "common/async/one_shot.h"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace connector::resilience {

// One call, from Start to Set. Thread-safe.
template <typename Value>
class SharedCall {
 public:
  // The value, or nullopt when `deadline` comes first. `call` is kept alive meanwhile.
  [[nodiscard]] static Task<std::optional<Value>> Wait(std::shared_ptr<SharedCall> call,
                                                       Deadline deadline) {
    co_return co_await OneShot<Value>::Wait(call->done_, deadline);
  }

  // Wakes everyone, now and later. The first call counts.
  void Set(Value value) { done_->Set(std::move(value)); }

  // For a value that may serve one waiter only: true for the first who asks. The others have to
  // look, join or start anew.
  [[nodiscard]] bool TakeOnce() { return !taken_.exchange(true); }

 private:
  std::shared_ptr<OneShot<Value>> done_ = std::make_shared<OneShot<Value>>();
  std::atomic<bool> taken_{false};
};

template <typename Value>
class SingleFlight {
 public:
  using Call = SharedCall<Value>;

  // The call under way; null when there is none.
  [[nodiscard]] const std::shared_ptr<Call>& Join() const { return call_; }
  [[nodiscard]] bool under_way() const { return call_ != nullptr; }

  // Begins a call; none is under way.
  std::shared_ptr<Call> Start() {
    call_ = std::make_shared<Call>();
    return call_;
  }

  // Ends the call: who comes from here on starts another. The owner sets the value on what this
  // returns; null when no call was under way.
  std::shared_ptr<Call> Complete() { return std::exchange(call_, nullptr); }

 private:
  std::shared_ptr<Call> call_;
};

// `Key` is compared whole. Find works with whatever compares with it.
template <typename Key, typename Value>
class SingleFlightGroup {
 public:
  using Call = SharedCall<Value>;

  template <typename Like>
  [[nodiscard]] std::shared_ptr<Call> Join(const Like& key) const {
    const auto found = calls_.find(key);
    return found == calls_.end() ? nullptr : found->second;
  }
  template <typename Like>
  [[nodiscard]] bool under_way(const Like& key) const {
    return calls_.find(key) != calls_.end();
  }

  std::shared_ptr<Call> Start(const Key& key) {
    auto call = std::make_shared<Call>();
    calls_.insert_or_assign(key, call);
    return call;
  }

  std::shared_ptr<Call> Complete(const Key& key) {
    auto ended = calls_.extract(key);
    return ended.empty() ? nullptr : std::move(ended.mapped());
  }

 private:
  std::map<Key, std::shared_ptr<Call>, std::less<>> calls_;
};

}  // namespace connector::resilience
