#pragma once

// The driver's own metrics: connector_csi_*. csi/README.md lists them.

#include "common/kube/client.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "csi/rpc/services.h"

namespace connector::csi::app {

class Metrics {
 public:
  explicit Metrics(prometheus::Registry& registry);

  // Thread-safe.
  void Called(const rpc::CallReport& report);
  void Asked(const kube::Exchange& exchange);
  void Volumes(std::size_t count) { volumes_.Set(static_cast<double>(count)); }
  void Synced(bool synced) { synced_.Set(synced ? 1 : 0); }

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
  prometheus::Gauge& volumes_;
  prometheus::Gauge& synced_;
  std::atomic<std::uint64_t> all_ = 0;
  std::atomic<std::uint64_t> refused_ = 0;
  std::atomic<std::uint64_t> failed_ = 0;
};

}  // namespace connector::csi::app
