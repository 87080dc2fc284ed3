#pragma once

// OneShot<T>: a value that becomes known once, and the coroutines that wait for it, each with its
// own deadline and on its own executor. Thread-safe. T is copied to each waiter.

#include "common/async/task.h"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace connector {

template <typename T>
class OneShot {
 public:
  // The first call counts.
  void Set(T value) {
    std::vector<std::shared_ptr<Waiter>> waiters;
    {
      const std::lock_guard lock(mutex_);
      if (value_) {
        return;
      }
      value_ = value;
      waiters.swap(waiters_);
    }
    for (const std::shared_ptr<Waiter>& waiter : waiters) {
      waiter->Complete(value);
    }
  }

  // The value, or nullopt when `deadline` comes first. `self` keeps this object alive meanwhile.
  static Task<std::optional<T>> Wait(std::shared_ptr<OneShot> self, Deadline deadline) {
    auto start = [self](auto handler, Deadline until) {
      // The coroutine, and this capture with it, may end on another thread before Add returns.
      // NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
      const std::shared_ptr<OneShot> kept = self;
      kept->Add(std::make_shared<Waiter>(std::move(handler)), until);
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<Executor>&,
                                            void(std::optional<T>)>(start, kUseTask, deadline);
  }

 private:
  using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                           asio::wait_traits<std::chrono::steady_clock>,
                                           Executor>;

  // Completed by the value or by its timer, whichever is first. The mutex also guards the timer,
  // which Asio does not let two threads touch at once. A waiter may outlive the io_context that its
  // coroutine runs on; its timer may not, so `work_` keeps that one running until the timer is
  // gone.
  class Waiter : public std::enable_shared_from_this<Waiter> {
   public:
    template <typename Handler>
    explicit Waiter(Handler handler)
        : timer_(std::in_place, asio::get_associated_executor(handler)),
          work_(timer_->get_executor()) {
      auto shared = std::make_shared<Handler>(std::move(handler));
      resume_ = [executor = timer_->get_executor(), shared](std::optional<T> value) {
        auto call = [handler = std::move(*shared), value = std::move(value)]() mutable {
          std::move(handler)(std::move(value));
        };
        asio::post(executor, std::move(call));
      };
    }

    void Arm(Deadline until) {
      const std::lock_guard lock(mutex_);
      if (resume_ != nullptr) {
        timer_->expires_at(until);
        timer_->async_wait([self = this->shared_from_this()](const boost::system::error_code&) {
          self->Complete(std::nullopt);
        });
      }
    }

    [[nodiscard]] bool Completed() const {
      const std::lock_guard lock(mutex_);
      return resume_ == nullptr;
    }

    void Complete(std::optional<T> value) {
      std::function<void(std::optional<T>)> resume;
      {
        const std::lock_guard lock(mutex_);
        resume = std::exchange(resume_, nullptr);
        if (resume == nullptr) {
          return;
        }
        timer_.reset();
      }
      resume(std::move(value));
      work_.reset();  // Last: the io_context may end now.
    }

   private:
    mutable std::mutex mutex_;
    std::optional<Timer> timer_;
    asio::executor_work_guard<Executor> work_;
    std::function<void(std::optional<T>)> resume_;  // Empty once it was called.
  };

  void Add(std::shared_ptr<Waiter> waiter, Deadline until) {
    waiter->Arm(until);  // Before it can be completed, so that its work keeps the loop running.
    std::optional<T> value;
    {
      const std::lock_guard lock(mutex_);
      value = value_;
      if (!value) {
        // Those whose time ran out are no longer needed: some wait again and again.
        if (waiters_.size() == waiters_.capacity()) {
          std::erase_if(waiters_, [](const auto& each) { return each->Completed(); });
        }
        waiters_.push_back(waiter);
      }
    }
    if (value) {
      waiter->Complete(std::move(value));
    }
  }

  std::mutex mutex_;
  std::optional<T> value_;
  std::vector<std::shared_ptr<Waiter>> waiters_;
};

}  // namespace connector
