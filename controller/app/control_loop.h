#pragma once

// ControlLoop: the controller's one component. Election, view, reconciler and probes run on one
// thread, because the controller waits far more than it works, and what runs on one thread needs no
// locks. They stop in one order and by one deadline: nothing is written any more before the Lease
// is handed back.

#include "common/grpc/credentials.h"
#include "common/kube/metered_client.h"
#include "common/program/runtime.h"
#include "controller/app/metrics.h"
#include "controller/app/options.h"
#include "controller/election/elector.h"
#include "controller/probe/listener_ca_follower.h"
#include "controller/probe/probe_client.h"
#include "controller/probe/probe_runner.h"
#include "controller/reconcile/reconciler.h"
#include "controller/view/cluster_view.h"
#include "controller/writer/writer.h"

#include <prometheus/metric_family.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace connector::controller::app {

class ControlLoop final : public program::Component {
 public:
  // `runtime` outlives it. `options.lease_namespace` is filled in, and `identity` is of this
  // process alone.
  ControlLoop(program::Runtime& runtime,
              const ControllerOptions& options,
              std::string identity,
              kube::ClusterConnection connection);
  ~ControlLoop() override;

  Result<Done> Start() override;
  void Stop(Deadline deadline) override;

  [[nodiscard]] std::vector<prometheus::MetricFamily> Metrics() const override;
  void AddReadiness(admin::Readiness& readiness) const override;
  void AddStatus(admin::StatusReport& status) const override;

 private:
  [[nodiscard]] kube::ObjectName Lease() const;
  [[nodiscard]] std::unique_ptr<probe::ProbeClient> MakeProbeClient() const;
  [[nodiscard]] std::unique_ptr<election::Elector> MakeElector(const std::string& identity);
  [[nodiscard]] std::unique_ptr<Writer> MakeWriter();
  [[nodiscard]] std::unique_ptr<ClusterView> MakeView();
  [[nodiscard]] std::unique_ptr<probe::ProbeRunner> MakeProbeRunner();
  [[nodiscard]] std::unique_ptr<Reconciler> MakeReconciler(const std::string& identity);
  [[nodiscard]] std::unique_ptr<probe::ListenerCaFollower> MakeListenerCaFollower();

  Task<void> StartParts();
  Task<void> StopParts(Deadline deadline);

  program::Runtime& runtime_;
  const ControllerOptions options_;
  ControllerMetrics metrics_;
  std::atomic<bool> broker_available_ = true;
  kube::MeteredClient client_;
  const std::unique_ptr<probe::ProbeClient> broker_;
  const std::unique_ptr<election::Elector> elector_;
  const std::unique_ptr<Writer> writer_;
  const std::unique_ptr<ClusterView> view_;
  const std::unique_ptr<probe::ProbeRunner> runner_;
  const std::unique_ptr<Reconciler> reconciler_;
  const std::unique_ptr<probe::ListenerCaFollower> listener_ca_;  // Null for plain HTTP.
};

}  // namespace connector::controller::app
