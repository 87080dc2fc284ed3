#pragma once

// What the broker tells Prometheus beside what each part tells by itself.

#include <prometheus/metric_family.h>

#include <vector>

namespace connector::broker::app {

// The locked memory for secrets, as it is now.
[[nodiscard]] std::vector<prometheus::MetricFamily> SecretMemoryMetrics();

}  // namespace connector::broker::app
