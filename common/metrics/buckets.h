#pragma once

// Bounds of the histograms that all programs share, so that their dashboards line up. Seconds.

#include <vector>

namespace connector::metrics {

// Of work inside the process or on a local network: 100 us to 10 s.
[[nodiscard]] inline std::vector<double> LatencyBuckets() {
  return {0.0001,
          0.00025,
          0.0005,
          0.001,
          0.0025,
          0.005,
          0.01,
          0.025,
          0.05,
          0.1,
          0.25,
          0.5,
          1,
          2.5,
          5,
          10};
}

// Of whole transfers and calls to other people's services: 5 ms to 10 min.
[[nodiscard]] inline std::vector<double> TransferBuckets() {
  return {0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180, 600};
}

}  // namespace connector::metrics
