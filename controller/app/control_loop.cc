#include "controller/app/control_loop.h"

#include "common/async/block_on.h"
#include "common/broker_client/channel.h"
#include "common/resilience/random.h"
#include "controller/app/status.h"

#include <grpcpp/channel.h>

#include <utility>

namespace connector::controller::app {
ControlLoop::ControlLoop(program::Runtime& runtime,
                         const ControllerOptions& options,
                         std::string identity,
                         kube::ClusterConnection connection)
    : runtime_(runtime),
      options_(options),
      metrics_(runtime.registry()),
      client_(std::move(connection), {"controller", runtime.logger(), runtime.registry()}),
      broker_(MakeProbeClient()),
      elector_(MakeElector(identity)),
      writer_(MakeWriter()),
      view_(MakeView()),
      runner_(MakeProbeRunner()),
      reconciler_(MakeReconciler(identity)),
      listener_ca_(options_.service.https_url ? MakeListenerCaFollower() : nullptr) {}

ControlLoop::~ControlLoop() = default;

kube::ObjectName ControlLoop::Lease() const {
  return {options_.lease_namespace, options_.lease_name};
}

std::unique_ptr<probe::ProbeClient> ControlLoop::MakeProbeClient() const {
  auto channel = broker_client::MakeBrokerChannel(
      {options_.broker_address, options_.broker_tls, options_.broker_server_name},
      broker_client::ChannelUse::kOperator);
  return std::make_unique<probe::ProbeClient>(std::move(channel), options_.broker_timeout);
}

std::unique_ptr<election::Elector> ControlLoop::MakeElector(const std::string& identity) {
  election::Elector::Parts parts;
  parts.client = &client_.client();
  parts.clock = &runtime_.clock();
  parts.logger = &runtime_.logger();
  parts.random = &resilience::RandomFraction;
  parts.on_change = [this](bool leading) {
    metrics_.Leading(leading);
    reconciler_->LeadershipChanged();
    runner_->Wake();
  };
  return std::make_unique<election::Elector>(
      election::ElectionOptions{Lease(), identity, options_.lease_times}, std::move(parts));
}

std::unique_ptr<Writer> ControlLoop::MakeWriter() {
  return std::make_unique<Writer>(
      Writer::Parts{&client_.client(),
                    [this] { return elector_->HeldUntil(); },
                    [this](const WriteReport& written) { metrics_.Wrote(written); }});
}

std::unique_ptr<ClusterView> ControlLoop::MakeView() {
  ClusterView::Parts parts;
  parts.client = &client_.client();
  parts.clock = &runtime_.clock();
  parts.logger = &runtime_.logger();
  parts.random = &resilience::RandomFraction;
  parts.on_change = [this](const std::vector<ConnectorRef>& refs) { reconciler_->Changed(refs); };
  parts.on_all = [this] { reconciler_->AllChanged(); };
  return std::make_unique<ClusterView>(options_.service, std::move(parts));
}

std::unique_ptr<probe::ProbeRunner> ControlLoop::MakeProbeRunner() {
  probe::ProbeRunner::Parts parts;
  parts.broker = broker_.get();
  parts.leading = [this] { return elector_->HeldUntil().has_value(); };
  parts.random = &resilience::RandomFraction;
  parts.on_answer = [this](const ConnectorRef& ref, const probe::ProbeRunner::Answer& answer) {
    return reconciler_->OnAnswer(ref, answer);
  };
  parts.observe = [this](std::string_view result, std::chrono::steady_clock::duration took) {
    metrics_.Probed(result, took);
    metrics_.BrokerAvailable(result != "unavailable");
    broker_available_ = result != "unavailable";
  };
  return std::make_unique<probe::ProbeRunner>(options_.probes, std::move(parts));
}

std::unique_ptr<Reconciler> ControlLoop::MakeReconciler(const std::string& identity) {
  Reconciler::Parts parts;
  parts.client = &client_.client();
  parts.writer = writer_.get();
  parts.view = view_.get();
  parts.clock = &runtime_.clock();
  parts.logger = &runtime_.logger();
  parts.leading = [this] { return elector_->HeldUntil().has_value(); };
  parts.random = &resilience::RandomFraction;
  parts.schedule_probe = [this](const ConnectorRef& ref, probe::ProbeSchedule schedule) {
    runner_->Schedule(ref, schedule);
  };
  parts.observe = [this](std::string_view result, std::chrono::steady_clock::duration took) {
    metrics_.Reconciled(result, took);
  };
  parts.on_queue_depth = [this](std::size_t waiting) { metrics_.QueueDepth(waiting); };
  return std::make_unique<Reconciler>(
      ReconcileOptions{options_.service, options_.probe_rules, options_.workers, identity},
      std::move(parts));
}

std::unique_ptr<probe::ListenerCaFollower> ControlLoop::MakeListenerCaFollower() {
  probe::ListenerCaFollower::Parts parts;
  parts.broker = broker_.get();
  parts.on_change = [this](const std::string& pem) { reconciler_->ListenerCaChanged(pem); };
  return std::make_unique<probe::ListenerCaFollower>(std::move(parts));
}

Result<Done> ControlLoop::Start() {
  BlockOn(runtime_.executor(), StartParts());
  return Done{};
}

// On the one thread: what starts first may call what starts last.
Task<void> ControlLoop::StartParts() {
  const Executor executor = runtime_.executor();
  view_->Start(executor);
  reconciler_->Start(executor);
  runner_->Start(executor);
  elector_->Start(executor);
  if (listener_ca_) {
    listener_ca_->Start(executor);
  }
  co_return;
}

void ControlLoop::Stop(Deadline deadline) {
  BlockOn(runtime_.executor(), StopParts(deadline));
  client_.Stop(deadline);
}

Task<void> ControlLoop::StopParts(Deadline deadline) {
  const bool probes = co_await runner_->Stop(deadline);  // And all calls of the broker with it.
  bool asks = true;
  if (listener_ca_) {
    asks = co_await listener_ca_->Stop(deadline);
  }
  const bool runs = co_await reconciler_->Stop(deadline);
  const bool watches = co_await view_->Stop(deadline);
  if (!asks || !probes || !runs || !watches) {
    runtime_.logger().Warning("some work did not end in time; the lease will expire by itself");
    co_return;
  }
  co_await elector_->Stop(deadline);
}

std::vector<prometheus::MetricFamily> ControlLoop::Metrics() const {
  return {CountConnectors(view_->connectors())};
}

void ControlLoop::AddReadiness(admin::Readiness& readiness) const {
  readiness = ReadinessOf(*view_, runtime_.stopping());
}

void ControlLoop::AddStatus(admin::StatusReport& status) const {
  app::AddStatus(
      {view_.get(), elector_.get(), Lease().ToString(), options_.broker_address, broker_available_},
      status);
}

}  // namespace connector::controller::app
