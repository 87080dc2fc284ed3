#pragma once

// The driver's own metrics: connector_csi_*. csi/README.md lists them.

#include "common/kube/api_client.h"
#include "csi/rpc/services.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace connector::csi::app {

class CsiMetrics {
 public:
  explicit CsiMetrics(prometheus::Registry& registry);

  // Thread-safe.
  void Called(const rpc::CallReport& report);
  void Requested(const kube::ApiRequestReport& request);

  struct Totals {
    std::uint64_t calls = 0;
    std::uint64_t refused = 0;  // The pod's or the cluster's doing.
    std::uint64_t failed = 0;   // The node's or the API's.
  };
  [[nodiscard]] Totals totals() const;

 private:
  prometheus::Family<prometheus::Counter>& calls_;
  prometheus::Histogram& publish_seconds_;
  prometheus::Family<prometheus::Counter>& requests_;
  std::atomic<std::uint64_t> all_ = 0;
  std::atomic<std::uint64_t> refused_ = 0;
  std::atomic<std::uint64_t> failed_ = 0;
};

// What is looked at when metrics are scraped.
struct NodeState {
  std::size_t volumes = 0;
  bool synced = false;
};

[[nodiscard]] std::vector<prometheus::MetricFamily> NodeStateFamilies(const NodeState& state);

}  // namespace connector::csi::app
