#pragma once

// What is counted of IssueToken. Labels have a fixed set of values.

#include "broker/api/issue_token_handler.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <cstdint>
#include <vector>

namespace connector::broker::api {

// Thread-safe.
class IssueMetrics {
 public:
  explicit IssueMetrics(prometheus::Registry& registry);

  void Issued(const IssueOutcome& outcome);

  struct Totals {
    std::uint64_t granted = 0;
    std::uint64_t denied = 0;  // The caller's doing.
    std::uint64_t failed = 0;  // Ours or the registry's.
  };
  [[nodiscard]] Totals totals() const;

 private:
  std::vector<prometheus::Counter*> issued_;  // By DenialReason; 0 is granted.
  prometheus::Histogram& duration_;
};

// True when the caller must change something, rather than wait.
[[nodiscard]] bool IsCallersDoing(v1::DenialReason reason);

}  // namespace connector::broker::api
