#pragma once

// ClusterWatch: the client of the Kubernetes API, and copies of the cluster's Connectors and
// classes that watches keep. Does not wait for the API: until it has answered, nothing is synced.

#include "common/kube/api_client.h"
#include "common/kube/informer.h"
#include "common/program/runtime.h"
#include "csi/app/metrics.h"
#include "csi/publish/resolver.h"

#include <memory>

namespace connector::csi::app {

class ClusterWatch final : public program::Component {
 public:
  // Both outlive it.
  ClusterWatch(program::Runtime& runtime, CsiMetrics& metrics, kube::ClusterConnection connection);

  Result<Done> Start() override;
  void Stop(Deadline deadline) override;
  void AddReadiness(admin::Readiness& readiness) const override;

  [[nodiscard]] kube::ApiClient& client() { return client_; }
  [[nodiscard]] publish::ClusterSnapshot Current() const;  // Any thread.

 private:
  [[nodiscard]] kube::Informer::Parts InformerParts();
  [[nodiscard]] bool Synced() const;

  program::Runtime& runtime_;
  kube::ApiClient client_;
  kube::Informer connectors_;
  kube::Informer classes_;
};

}  // namespace connector::csi::app
