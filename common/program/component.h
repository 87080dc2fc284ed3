#pragma once

// Component: one part of a service, as the program around it sees it. A program is a list of
// components (runtime.h): they start in the order of the list and stop in the reverse order, so
// that each may use those before it. What a component has nothing to say to, it leaves alone.

#include "common/admin/admin_server.h"
#include "common/admin/status_report.h"
#include "common/async/task.h"
#include "common/base/result.h"

#include <prometheus/metric_family.h>

#include <vector>

namespace connector::program {

class Component {
 public:
  virtual ~Component() = default;

  // Once, after all before it have started. Errors say which address, file or directory, and why.
  [[nodiscard]] virtual Result<Done> Start() { return Done{}; }

  // Once, and only after a Start that succeeded. Blocks until nothing of it runs any more, or until
  // `deadline`. The threads of the runtime run until all have stopped.
  virtual void Stop(Deadline /*deadline*/) {}

  // The rest is asked on the admin server's thread, also before Start and after Stop: thread-safe,
  // and without waiting.

  // What is counted when it is asked for, beside what counts itself in the runtime's registry.
  [[nodiscard]] virtual std::vector<prometheus::MetricFamily> Metrics() const { return {}; }

  // Adds its reasons why the program is not ready, and what is degraded.
  virtual void AddReadiness(admin::Readiness& /*readiness*/) const {}

  // Adds its section to the status page, and what else of the page it knows.
  virtual void AddStatus(admin::StatusReport& /*status*/) const {}

 protected:
  Component() = default;
  Component(const Component&) = default;
  Component& operator=(const Component&) = default;
};

}  // namespace connector::program
