#pragma once

// Wiring: builds the broker from its options, top to bottom, and takes it down in the reverse
// order. The only place that knows every part.

#include "broker/app/options.h"
#include "common/base/result.h"
#include "common/log/log.h"

#include <chrono>
#include <cstdint>
#include <memory>

namespace connector::broker::app {

// How long calls under way may take after a stop was asked for.
inline constexpr std::chrono::seconds kDrainTimeout{10};

class Broker {
 public:
  // `logger` outlives the broker.
  Broker(BrokerOptions options, log::Logger& logger);
  ~Broker();  // Stops.
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  // Errors say which address, file or directory, and why. Once only.
  [[nodiscard]] Result<Done> Start();

  // Not ready at once; calls under way finish, up to kDrainTimeout; what was decided is recorded.
  void Stop();

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::uint16_t admin_port() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace connector::broker::app
