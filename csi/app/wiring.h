#pragma once

// Wiring: builds the driver from its options, top to bottom, and takes it down in the reverse
// order.

#include "common/base/result.h"
#include "common/log/log.h"
#include "csi/app/options.h"

#include <chrono>
#include <cstdint>
#include <memory>

namespace connector::csi::app {

// How long calls under way may take after a stop was asked for.
inline constexpr std::chrono::seconds kDrainTimeout{10};

class Driver {
 public:
  // `logger` outlives the driver.
  Driver(CsiOptions options, log::Logger& logger);
  ~Driver();  // Stops.
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  // Errors say which file, socket or address, and why. Once only. Does not wait for the Kubernetes
  // API: until it has answered, mounts fail and are tried again, and unmounts work.
  [[nodiscard]] Result<Done> Start();

  // Calls under way finish, up to kDrainTimeout. What is mounted stays mounted.
  void Stop();

  [[nodiscard]] std::uint16_t admin_port() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace connector::csi::app
