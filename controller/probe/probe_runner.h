#pragma once

// ProbeRunner: asks the brokers to probe Connectors when they are due, while this replica leads.
// It decides when to probe; controller/status/probe_memory.h decides what an answer means.
//
// Everything runs on the one thread of the executor.

#include "common/async/task.h"
#include "common/async/task_group.h"
#include "common/base/connector_ref.h"
#include "common/base/result.h"
#include "controller/probe/probe_client.h"
#include "controller/probe/probe_schedule.h"
#include "controller/status/probe_memory.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace connector::controller::probe {

struct ProbeOptions {
  std::chrono::milliseconds period{300'000};
  std::chrono::milliseconds first_retry{15'000};
  int concurrency = 16;
};

// A Connector that changed is probed after this long, when the brokers know of it too.
inline constexpr std::chrono::milliseconds kPropagationDelay{1000};

class ProbeRunner {
 public:
  using Answer = Result<std::vector<status::ProbeStepResult>>;

  struct Parts {
    ProbeClient* broker = nullptr;  // Outlives the runner.
    std::function<bool()> leading;
    std::function<double()> random;  // In [0, 1).
    // What a probe found. Returns how many in a row found no health, 0 when all is well, -1 when
    // the Connector is gone.
    std::function<int(const ConnectorRef&, const Answer&)> on_answer;
    std::function<void(std::string_view result, std::chrono::steady_clock::duration)> observe;
  };

  ProbeRunner(ProbeOptions options, Parts parts);
  ~ProbeRunner();
  ProbeRunner(const ProbeRunner&) = delete;
  ProbeRunner& operator=(const ProbeRunner&) = delete;

  void Start(Executor executor);
  // False when `deadline` came before the last probe ended.
  [[nodiscard]] Task<bool> Stop(Deadline deadline);

  void Schedule(const ConnectorRef& ref, ProbeSchedule schedule);
  void Wake();  // Leadership changed.

  [[nodiscard]] bool broker_available() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace connector::controller::probe
