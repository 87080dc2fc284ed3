#include "csi/app/metrics.h"

#include "common/metrics/buckets.h"

#include <string>

namespace connector::csi::app {
namespace {

std::string ResultOf(const publish::PublishOutcome& outcome) {
  const auto* failure = std::get_if<publish::PublishFailure>(&outcome);
  return std::string(failure == nullptr
                         ? publish::ToString(std::get<publish::PublishAction>(outcome))
                         : publish::ToString(failure->reason));
}

// What a person who wrote a pod, a Connector or a Role has to change, rather than the node's
// operator.
bool IsRefusal(publish::Reason reason) {
  switch (reason) {
    case publish::Reason::kApi:
    case publish::Reason::kBusy:
    case publish::Reason::kVolumeFull:
    case publish::Reason::kFileSystem:
      return false;
    default:
      return true;
  }
}

prometheus::MetricFamily Gauge(const char* name, const char* help, double value) {
  prometheus::MetricFamily family{name, help, prometheus::MetricType::Gauge, {}};
  family.metric.emplace_back().gauge.value = value;
  return family;
}

}  // namespace

CsiMetrics::CsiMetrics(prometheus::Registry& registry)
    : calls_(prometheus::BuildCounter()
                 .Name("connector_csi_calls_total")
                 .Help("Calls of the kubelet, by what they came to.")
                 .Register(registry)),
      publish_seconds_(prometheus::BuildHistogram()
                           .Name("connector_csi_publish_duration_seconds")
                           .Help("Time from a NodePublishVolume that mounted or refreshed to its "
                                 "answer.")
                           .Register(registry)
                           .Add({}, metrics::LatencyBuckets())),
      requests_(prometheus::BuildCounter()
                    .Name("connector_csi_kubernetes_requests_total")
                    .Help("Requests to the Kubernetes API, by verb, resource and status.")
                    .Register(registry)) {
  for (const publish::Reason reason : publish::kReasons) {
    calls_.Add({{"call", "publish"}, {"result", std::string(publish::ToString(reason))}});
  }
  for (const publish::PublishAction action : publish::kActions) {
    const bool unmounts = action == publish::PublishAction::kUnmounted;
    calls_.Add({{"call", unmounts ? "unpublish" : "publish"},
                {"result", std::string(publish::ToString(action))}});
  }
}

void CsiMetrics::Called(const rpc::CallReport& report) {
  calls_.Add({{"call", std::string(report.call)}, {"result", ResultOf(report.outcome)}})
      .Increment();
  all_.fetch_add(1, std::memory_order_relaxed);
  if (const auto* failure = std::get_if<publish::PublishFailure>(&report.outcome)) {
    (IsRefusal(failure->reason) ? refused_ : failed_).fetch_add(1, std::memory_order_relaxed);
    return;
  }
  const publish::PublishAction action = std::get<publish::PublishAction>(report.outcome);
  if (action == publish::PublishAction::kMounted || action == publish::PublishAction::kRefreshed) {
    publish_seconds_.Observe(std::chrono::duration<double>(report.took).count());
  }
}

void CsiMetrics::Requested(const kube::ApiRequestReport& request) {
  requests_
      .Add({{"verb", std::string(request.verb)},
            {"resource", request.resource},
            {"status", std::to_string(request.status)}})
      .Increment();
}

CsiMetrics::Totals CsiMetrics::totals() const {
  return {all_.load(std::memory_order_relaxed),
          refused_.load(std::memory_order_relaxed),
          failed_.load(std::memory_order_relaxed)};
}

std::vector<prometheus::MetricFamily> NodeStateFamilies(const NodeState& state) {
  return {
      Gauge(
          "connector_csi_volumes", "Volumes that are mounted.", static_cast<double>(state.volumes)),
      Gauge("connector_csi_synced",
            "1 once the cluster's Connectors and classes have been read, else 0.",
            state.synced ? 1 : 0)};
}

}  // namespace connector::csi::app
