#pragma once

// Reconciler: brings the Service, endpoints, status and Events of each Connector in line with its
// spec. It keeps the order of the steps; reconcile_decisions.h and the folders service, status and
// events decide what each should be.
//
// Works only while this replica leads, and then on each Connector that changed, on all when it
// begins to lead, and never by polling. Everything runs on the one thread of the executor.

#include "common/async/task.h"
#include "common/async/task_group.h"
#include "common/base/clock.h"
#include "common/base/connector_ref.h"
#include "common/log/log.h"
#include "controller/probe/probe_runner.h"
#include "controller/reconcile/event_recorder.h"
#include "controller/reconcile/proxy_service_reconciler.h"
#include "controller/status/probe_memory.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace connector::controller {

struct ReconcileOptions {
  service::ProxyServiceSettings service;
  status::ProbeRules probes;
  int workers = 16;
  std::string instance;  // Names this process in Events.
};

class Reconciler {
 public:
  // All outlive the reconciler. `client` only reads.
  struct Parts {
    kube::ApiClient* client = nullptr;
    Writer* writer = nullptr;
    const ClusterView* view = nullptr;
    const Clock* clock = nullptr;
    log::Logger* logger = nullptr;
    std::function<bool()> leading;
    std::function<double()> random;  // In [0, 1).
    std::function<void(const ConnectorRef&, probe::ProbeSchedule)> schedule_probe;
    // "unchanged", "changed", "gone", "error"
    std::function<void(std::string_view result, std::chrono::steady_clock::duration)> observe;
    std::function<void(std::size_t waiting)> on_queue_depth;
  };

  Reconciler(ReconcileOptions options, Parts parts);
  ~Reconciler();
  Reconciler(const Reconciler&) = delete;
  Reconciler& operator=(const Reconciler&) = delete;

  void Start(Executor executor);
  // False when `deadline` came before the last one ended.
  [[nodiscard]] Task<bool> Stop(Deadline deadline);

  void Changed(const std::vector<ConnectorRef>& refs);
  void AllChanged();
  void LeadershipChanged();
  // What clients verify the data planes by, PEM; empty: they need nothing. Until the first call the
  // statuses keep what they have.
  void ListenerCaChanged(const std::string& pem);
  // ProbeRunner::Parts::on_answer.
  [[nodiscard]] int OnAnswer(const ConnectorRef& ref, const probe::ProbeRunner::Answer& answer);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace connector::controller
