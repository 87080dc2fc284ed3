#pragma once

// An audit log in memory that can be told to fail. Thread-safe. Passes
// tests/contract/broker/audit/audit_log_contract.h.

#include "broker/audit/audit_log.h"

#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace connector::testing_support {

class FakeAuditLog final : public broker::audit::AuditLog {
 public:
  Task<Result<Done>> Append(auditlog::Event event) override {
    const std::lock_guard lock(mutex_);
    if (broken_) {
      co_return MakeError(ErrorCode::kUnavailable, ErrorOrigin::kSelf, "disk full", Retry::kSafe);
    }
    events_.push_back(std::move(event));
    co_return Done{};
  }

  void SetBroken(bool broken) {
    const std::lock_guard lock(mutex_);
    broken_ = broken;
  }
  [[nodiscard]] std::vector<auditlog::Event> events() const {
    const std::lock_guard lock(mutex_);
    return events_;
  }

 private:
  mutable std::mutex mutex_;
  bool broken_ = false;
  std::vector<auditlog::Event> events_;
};

}  // namespace connector::testing_support
