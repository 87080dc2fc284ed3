#include "common/metrics/counter_block.h"

#include <prometheus/metric_family.h>

namespace connector::metrics {

CounterBlock::CounterBlock(std::vector<CounterSpec> specs, std::size_t shards)
    : specs_(std::move(specs)), shards_(shards) {
  constexpr std::size_t kCellsPerLine = sizeof(Shard::Line) / sizeof(std::atomic<std::uint64_t>);
  for (Shard& shard : shards_) {
    shard.lines_ = std::make_unique<Shard::Line[]>(specs_.size() / kCellsPerLine + 1);
    shard.cells_ = shard.lines_[0].cells;
  }
}

std::uint64_t CounterBlock::Sum(std::size_t counter) const noexcept {
  std::uint64_t sum = 0;
  for (const Shard& shard : shards_) {
    sum += shard.cells_[counter].load(std::memory_order_relaxed);
  }
  return sum;
}

std::vector<prometheus::MetricFamily> CounterBlock::Collect() const {
  std::vector<prometheus::MetricFamily> families;
  for (std::size_t i = 0; i < specs_.size(); ++i) {
    const CounterSpec& spec = specs_[i];
    const bool gauge = spec.kind == CounterSpec::Kind::kGauge;
    if (families.empty() || families.back().name != spec.name) {
      prometheus::MetricFamily& family = families.emplace_back();
      family.name = spec.name;
      family.help = spec.help;
      family.type = gauge ? prometheus::MetricType::Gauge : prometheus::MetricType::Counter;
    }
    prometheus::ClientMetric& metric = families.back().metric.emplace_back();
    for (const auto& [name, value] : spec.labels) {
      metric.label.push_back({name, value});
    }
    const std::uint64_t sum = Sum(i);
    if (gauge) {
      metric.gauge.value = static_cast<double>(static_cast<std::int64_t>(sum));
    } else {
      metric.counter.value = static_cast<double>(sum);
    }
  }
  return families;
}

}  // namespace connector::metrics
