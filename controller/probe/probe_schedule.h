#pragma once

// When a Connector is probed next: the reconciler decides it, and the probe runner does it.

#include <cstdint>

namespace connector::controller::probe {

enum class ProbeSchedule : std::uint8_t {
  kImmediately,   // It changed.
  kPeriodically,  // Its conditions are known: some time in the next period.
  kNever,         // No broker can use it as it is.
};

}  // namespace connector::controller::probe
