#include "csi/app/cluster_watch.h"

#include "common/async/block_on.h"
#include "common/base/version.h"
#include "common/resilience/random.h"

#include <algorithm>
#include <string>
#include <utility>

namespace connector::csi::app {
namespace {

constexpr std::chrono::seconds kStopTimeout{5};  // Of each watch.

kube::InformerOptions OptionsOf(const kube::ResourceType& type) {
  kube::InformerOptions options;
  options.type = type;
  return options;
}

// Readers take the current copy when they need it.
void IgnoreChange(const std::shared_ptr<const kube::Store>& /*store*/,
                  const kube::Changes& /*changes*/) {}

}  // namespace

ClusterWatch::ClusterWatch(program::Runtime& runtime,
                           CsiMetrics& metrics,
                           kube::ClusterConnection connection)
    : runtime_(runtime),
      client_(std::move(connection),
              {&runtime.logger(),
               resilience::RandomFraction,
               [&metrics](const kube::ApiRequestReport& request) { metrics.Requested(request); },
               std::string("connector-csi/") + kVersion}),
      connectors_(OptionsOf(kube::kConnectors), InformerParts(), IgnoreChange),
      classes_(OptionsOf(kube::kConnectorClasses), InformerParts(), IgnoreChange) {}

kube::Informer::Parts ClusterWatch::InformerParts() {
  return {&client_, &runtime_.clock(), &runtime_.logger(), resilience::RandomFraction};
}

Result<Done> ClusterWatch::Start() {
  connectors_.Start(runtime_.executor());
  classes_.Start(runtime_.executor());
  return Done{};
}

void ClusterWatch::Stop(Deadline /*deadline*/) {
  for (kube::Informer* informer : {&connectors_, &classes_}) {
    (void)BlockOn(runtime_.executor(),
                  informer->Stop(std::chrono::steady_clock::now() + kStopTimeout));
  }
  client_.Shutdown();
}

bool ClusterWatch::Synced() const {
  return connectors_.Health().synced && classes_.Health().synced;
}

publish::ClusterSnapshot ClusterWatch::Current() const {
  return {Synced(), connectors_.Current(), classes_.Current()};
}

void ClusterWatch::AddReadiness(admin::Readiness& readiness) const {
  if (!Synced()) {
    readiness.reasons.emplace_back("the cluster's Connectors have not been read yet");
  }
  for (const kube::Informer* informer : {&connectors_, &classes_}) {
    const kube::InformerHealth health = informer->Health();
    if (health.synced && health.failing_since) {
      readiness.degraded.emplace_back("the Kubernetes API cannot be followed: " + health.problem);
    }
  }
}

}  // namespace connector::csi::app
