#pragma once

// Dataplane: builds the data plane from its options, starts it, and takes it down in the reverse
// order.

#include "common/base/result.h"
#include "common/log/log.h"
#include "dataplane/app/options.h"

#include <memory>

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

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace connector::dataplane::app
