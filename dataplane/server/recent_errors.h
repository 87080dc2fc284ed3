#pragma once

// RecentServerErrors: the last failures, for the status page. Bounded; holds sentences, never a
// secret.

#include "common/base/clock.h"

#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace connector::dataplane::server {

struct RecentServerError {
  WallTime time;
  std::string connector;
  std::string message;
};

// Thread-safe.
class RecentServerErrors {
 public:
  void Add(RecentServerError error) {
    const std::lock_guard lock(mutex_);
    errors_.push_front(std::move(error));
    if (errors_.size() > kMaxKept) {
      errors_.pop_back();
    }
  }
  // Newest first.
  [[nodiscard]] std::vector<RecentServerError> List() const {
    const std::lock_guard lock(mutex_);
    return {errors_.begin(), errors_.end()};
  }

 private:
  static constexpr std::size_t kMaxKept = 20;
  mutable std::mutex mutex_;
  std::deque<RecentServerError> errors_;
};

}  // namespace connector::dataplane::server
