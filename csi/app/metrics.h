#pragma once

// The driver's own metrics: connector_csi_*. csi/README.md lists them.

#include "common/kube/api_client.h"
#include "csi/rpc/services.h"

#include <prometheus/collectable.h>
#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace connector::csi::app {

class CsiMetrics {
 public:
  explicit CsiMetrics(prometheus::Registry& registry);

  // Thread-safe.
  void Called(const rpc::CallReport& report);
  void Asked(const kube::ApiRequestReport& exchange);

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
class NodeStateMetrics final : public prometheus::Collectable {
 public:
  struct State {
    std::size_t volumes = 0;
    bool synced = false;
  };
  explicit NodeStateMetrics(std::function<State()> look) : look_(std::move(look)) {}

  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  std::function<State()> look_;
};

}  // namespace connector::csi::app
