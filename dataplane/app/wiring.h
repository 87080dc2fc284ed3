#pragma once

// Wiring: builds the data plane from its options, top to bottom, and takes it down in the reverse
// order. The only place that knows every part.

#include "common/base/result.h"
#include "common/log/log.h"
#include "dataplane/app/options.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace connector::dataplane::app {

class Dataplane {
 public:
  Dataplane(DataplaneOptions options, log::Logger& logger);
  ~Dataplane();
  Dataplane(const Dataplane&) = delete;
  Dataplane& operator=(const Dataplane&) = delete;

  // Errors say which address or file, and what to change.
  [[nodiscard]] Result<Done> Start();

  // Not ready at once; then finishes requests under way, up to drainTimeout, and ends.
  void Stop();

  // The ports of the listeners, in their order, and of the admin server.
  [[nodiscard]] std::vector<std::uint16_t> ports() const;
  [[nodiscard]] std::uint16_t admin_port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace connector::dataplane::app
