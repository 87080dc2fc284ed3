#pragma once

// The controller's metrics. The table of names stands in controller/README.md.

#include "common/kube/informer.h"
#include "controller/writer/writer.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>

namespace connector::controller::app {

// What is counted as it happens. Thread-safe.
class ControllerMetrics {
 public:
  explicit ControllerMetrics(prometheus::Registry& registry);

  void Wrote(const WriteReport& written);
  void Reconciled(std::string_view result, std::chrono::steady_clock::duration took);
  void Probed(std::string_view result, std::chrono::steady_clock::duration took);
  void QueueDepth(std::size_t waiting);
  void Leading(bool leading);
  void BrokerAvailable(bool available);

 private:
  prometheus::Family<prometheus::Counter>& writes_;
  prometheus::Family<prometheus::Counter>& reconciles_;
  prometheus::Family<prometheus::Counter>& probes_;
  prometheus::Histogram& reconcile_seconds_;
  prometheus::Histogram& probe_seconds_;
  prometheus::Gauge& queue_depth_;
  prometheus::Gauge& leader_;
  prometheus::Counter& leader_changes_;
  prometheus::Gauge& broker_available_;
};

// Connectors by what their Ready condition says, counted when scraped.
[[nodiscard]] prometheus::MetricFamily CountConnectors(
    const std::shared_ptr<const kube::Store>& connectors);

}  // namespace connector::controller::app
