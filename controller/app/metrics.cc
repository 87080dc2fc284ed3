#include "controller/app/metrics.h"

#include "common/metrics/buckets.h"
#include "controller/status/condition.h"

#include <map>
#include <string>
#include <utility>

namespace connector::controller::app {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;

double Seconds(std::chrono::steady_clock::duration took) {
  return std::chrono::duration<double>(took).count();
}

prometheus::Gauge& Gauge(prometheus::Registry& registry, const char* name, const char* help) {
  return BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

prometheus::Family<prometheus::Counter>& Counters(prometheus::Registry& registry,
                                                  const char* name,
                                                  const char* help) {
  return BuildCounter().Name(name).Help(help).Register(registry);
}

}  // namespace

ControllerMetrics::ControllerMetrics(prometheus::Registry& registry)
    : writes_(Counters(registry,
                       "connector_controller_writes_total",
                       "Changes to the cluster; result ok, error, or not_leading: not sent")),
      reconciles_(Counters(
          registry, "connector_controller_reconciles_total", "Turns of Connectors, by what came")),
      probes_(Counters(registry, "connector_controller_probes_total", "Probes, by what came")),
      reconcile_seconds_(BuildHistogram()
                             .Name("connector_controller_reconcile_duration_seconds")
                             .Help("One turn of one Connector")
                             .Register(registry)
                             .Add({}, metrics::LatencyBuckets())),
      probe_seconds_(BuildHistogram()
                         .Name("connector_controller_probe_duration_seconds")
                         .Help("One question to a broker")
                         .Register(registry)
                         .Add({}, metrics::TransferBuckets())),
      queue_depth_(
          Gauge(registry, "connector_controller_queue_depth", "Connectors that wait for a turn")),
      leader_(Gauge(registry, "connector_controller_leader", "1 while this replica leads")),
      leader_changes_(Counters(registry,
                               "connector_controller_leader_changes_total",
                               "Times that this replica began or ceased to lead")
                          .Add({})),
      broker_available_(Gauge(
          registry, "connector_controller_broker_available", "1 while a broker answers probes")) {
  broker_available_.Set(1);
}

void ControllerMetrics::Wrote(const WriteReport& written) {
  const char* result = written.ok ? "ok" : written.not_leading ? "not_leading" : "error";
  writes_
      .Add(
          {{"verb", std::string(written.verb)}, {"resource", written.resource}, {"result", result}})
      .Increment();
}

void ControllerMetrics::Reconciled(std::string_view result,
                                   std::chrono::steady_clock::duration took) {
  reconciles_.Add({{"result", std::string(result)}}).Increment();
  reconcile_seconds_.Observe(Seconds(took));
}

void ControllerMetrics::Probed(std::string_view result, std::chrono::steady_clock::duration took) {
  probes_.Add({{"result", std::string(result)}}).Increment();
  probe_seconds_.Observe(Seconds(took));
}

void ControllerMetrics::QueueDepth(std::size_t waiting) {
  queue_depth_.Set(static_cast<double>(waiting));
}

void ControllerMetrics::Leading(bool leading) {
  leader_.Set(leading ? 1 : 0);
  leader_changes_.Increment();
}

void ControllerMetrics::BrokerAvailable(bool available) {
  broker_available_.Set(available ? 1 : 0);
}

prometheus::MetricFamily CountConnectors(const std::shared_ptr<const kube::Store>& connectors) {
  std::map<std::pair<std::string, std::string>, int> counts;
  for (const auto& [name, object] : connectors->objects) {
    const std::vector<status::Condition> conditions = status::ReadConditions(object->json());
    const status::Condition* ready = status::Find(conditions, status::kTypes[status::kReady]);
    const status::ConditionState state = ready == nullptr ? status::ConditionState{} : ready->state;
    ++counts[{std::string(status::ToString(state.status)), state.reason}];
  }
  prometheus::MetricFamily family{"connector_controller_connectors",
                                  "Connectors, by their condition Ready and its reason",
                                  prometheus::MetricType::Gauge,
                                  {}};
  for (const auto& [labels, count] : counts) {
    prometheus::ClientMetric metric;
    metric.label = {{"ready", labels.first}, {"reason", labels.second}};
    metric.gauge.value = count;
    family.metric.push_back(std::move(metric));
  }
  return family;
}

}  // namespace connector::controller::app
