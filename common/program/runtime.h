#pragma once

// Runtime: what every service has, and how every service starts and stops. It owns the io_context
// and its threads, the registry of metrics, the admin server and the clock. Which parts a program
// has is the program's own: app/wiring.cc builds them and gives them to Start as a list.

#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/log/log.h"
#include "common/program/component.h"

#include <boost/asio/io_context.hpp>
#include <prometheus/registry.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace connector::program {

struct RuntimeOptions {
  std::string program;        // As in metric names: "broker" of connector-broker.
  std::string admin_address;  // As AdminOptions'.
  unsigned threads = 1;       // That run io(); none where a program has threads of its own.
  std::chrono::milliseconds stop_timeout = std::chrono::seconds(10);  // For each component in turn.
};

// What components are built with. The runtime outlives them, because what they left in io() is
// destroyed with it; Stop has returned before they are destroyed.
class Runtime {
 public:
  // `logger` outlives it.
  Runtime(RuntimeOptions options, log::Logger& logger);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // Starts the threads, opens the admin port, and starts the components in their order. Null ones
  // are left out: what the configuration does not ask for is not there. Ends with the first that
  // fails. Once only.
  [[nodiscard]] Result<Done> Start(std::vector<Component*> components);

  // Stops what was started, in the reverse order: components, admin port, threads. Idempotent.
  void Stop();

  // True from the beginning of Stop. Any thread.
  [[nodiscard]] bool stopping() const;

  [[nodiscard]] asio::io_context& io();
  [[nodiscard]] Executor executor();
  [[nodiscard]] prometheus::Registry& registry();
  [[nodiscard]] log::Logger& logger();
  [[nodiscard]] const Clock& clock() const;
  [[nodiscard]] std::uint16_t admin_port() const;  // 0 while it is not open.

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace connector::program
