#pragma once

// What is counted of questions to the Kubernetes API about callers. Labels have a fixed set of
// values.

#include "broker/callers/kubernetes/review_scheduler.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <functional>
#include <string>

namespace connector::broker::callers {

// Thread-safe.
class ReviewMetrics {
 public:
  explicit ReviewMetrics(prometheus::Registry& registry);

  void Note(const ReviewReport& report);
  // Counts one question of `kind` that a remembered answer spared.
  [[nodiscard]] std::function<void()> CacheHits(const std::string& kind);

 private:
  prometheus::Family<prometheus::Counter>& reviews_;
  prometheus::Family<prometheus::Counter>& hits_;
  prometheus::Histogram& wait_;
};

}  // namespace connector::broker::callers
