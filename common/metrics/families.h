#pragma once

// Families: metrics that are made when they are scraped. Metrics of one name are added in a row.

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>

#include <string>
#include <utility>
#include <vector>

namespace connector::metrics {

using Labels = std::vector<prometheus::ClientMetric::Label>;

class Families {
 public:
  void Gauge(const std::string& name, const std::string& help, Labels labels, double value) {
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    metric.gauge.value = value;
    Add(name, help, prometheus::MetricType::Gauge, std::move(metric));
  }
  void Counter(const std::string& name, const std::string& help, Labels labels, double value) {
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    metric.counter.value = value;
    Add(name, help, prometheus::MetricType::Counter, std::move(metric));
  }
  void Counter(const std::string& name, const std::string& help, double value) {
    Counter(name, help, {}, value);
  }
  void Histogram(const std::string& name,
                 const std::string& help,
                 prometheus::ClientMetric::Histogram histogram) {
    prometheus::ClientMetric metric;
    metric.histogram = std::move(histogram);
    Add(name, help, prometheus::MetricType::Histogram, std::move(metric));
  }
  [[nodiscard]] std::vector<prometheus::MetricFamily> Take() { return std::move(families_); }

 private:
  void Add(const std::string& name,
           const std::string& help,
           prometheus::MetricType type,
           prometheus::ClientMetric metric) {
    if (families_.empty() || families_.back().name != name) {
      families_.push_back({name, help, type, {}});
    }
    families_.back().metric.push_back(std::move(metric));
  }

  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace connector::metrics
