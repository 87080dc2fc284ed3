#pragma once

// Wiring: builds the controller from its options, top to bottom, and takes it down in the reverse
// order. The only place that knows every part.

#include "common/base/result.h"
#include "common/log/log.h"
#include "controller/app/options.h"

#include <chrono>
#include <cstdint>
#include <memory>

namespace connector::controller::app {

// How long writes under way may take after a stop was asked for.
inline constexpr std::chrono::seconds kStopTimeout{10};

class Controller {
 public:
  // `logger` outlives the controller.
  Controller(ControllerOptions options, log::Logger& logger);
  ~Controller();  // Stops.
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  // Errors say which address or file, and what to change. Once only.
  [[nodiscard]] Result<Done> Start();

  // Not ready at once; what is being written ends, then the Lease is handed back.
  void Stop();

  [[nodiscard]] std::uint16_t admin_port() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace connector::controller::app
