#include "broker/callers/kubernetes/review_metrics.h"

#include "common/metrics/buckets.h"

#include <chrono>

namespace connector::broker::callers {

ReviewMetrics::ReviewMetrics(prometheus::Registry& registry)
    : reviews_(prometheus::BuildCounter()
                   .Name("connector_broker_reviews_total")
                   .Help("Questions to the Kubernetes API about callers, by kind and result.")
                   .Register(registry)),
      hits_(prometheus::BuildCounter()
                .Name("connector_broker_review_cache_hits_total")
                .Help("Questions about callers that a remembered answer spared, by kind.")
                .Register(registry)),
      wait_(prometheus::BuildHistogram()
                .Name("connector_broker_review_wait_seconds")
                .Help("How long a review waited for its turn under the ceiling.")
                .Register(registry)
                .Add({}, metrics::LatencyBuckets())) {}

void ReviewMetrics::Note(const ReviewReport& report) {
  reviews_
      .Add({{"kind", std::string(report.kind)}, {"result", std::string(ToString(report.result))}})
      .Increment();
  wait_.Observe(std::chrono::duration<double>(report.waited).count());
}

std::function<void()> ReviewMetrics::CacheHits(const std::string& kind) {
  return [&counter = hits_.Add({{"kind", kind}})] { counter.Increment(); };
}

}  // namespace connector::broker::callers
