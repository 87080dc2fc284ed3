#pragma once

// Cancel: asks what waits to end soon. Asked for once, from any thread; shared by who asks and who
// waits. Thread-safe.

#include "common/async/one_shot.h"
#include "common/async/task.h"
#include "common/base/result.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace connector {

class Cancel : public std::enable_shared_from_this<Cancel> {
 public:
  void Request() {
    std::map<std::uint64_t, std::function<void()>> calls;
    {
      const std::lock_guard lock(mutex_);
      requested_ = true;
      calls.swap(calls_);
    }
    requested_once_->Set(Done{});
    for (const auto& [ignored, call] : calls) {
      call();
    }
  }

  [[nodiscard]] bool requested() const {
    const std::lock_guard lock(mutex_);
    return requested_;
  }

  // Waits until `until`, or until it is asked for: then true.
  [[nodiscard]] static Task<bool> Sleep(std::shared_ptr<Cancel> self, Deadline until) {
    co_return (co_await OneShot<Done>::Wait(self->requested_once_, until)).has_value();
  }

  // `call` runs once when it is asked for, at once if it was, unless what is returned went before;
  // it may still be running on another thread then. It must not wait.
  [[nodiscard]] std::shared_ptr<void> OnRequest(std::function<void()> call) {
    std::uint64_t id = 0;
    {
      const std::lock_guard lock(mutex_);
      if (!requested_) {
        id = ++last_id_;
        calls_.emplace(id, std::move(call));
      }
    }
    if (id == 0) {
      call();
      return nullptr;
    }
    return {this, [self = shared_from_this(), id](void*) { self->Forget(id); }};
  }

 private:
  void Forget(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    calls_.erase(id);
  }

  mutable std::mutex mutex_;
  bool requested_ = false;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, std::function<void()>> calls_;
  const std::shared_ptr<OneShot<Done>> requested_once_ = std::make_shared<OneShot<Done>>();
};

}  // namespace connector
