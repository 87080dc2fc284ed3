#pragma once

// KubernetesResources: the ResourceSource of a cluster: Connectors, ConnectorClasses and Secrets of
// the Kubernetes API, kept up to date.

#include "broker/connectors/kubernetes/cluster_source.h"
#include "broker/connectors/kubernetes/kubernetes_resources_status.h"
#include "broker/connectors/resource_source.h"
#include "broker/secrets/kubernetes/kube_store.h"
#include "common/async/debouncer.h"
#include "common/kube/informer.h"
#include "common/kube/metered_client.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace connector::broker::connectors {

class KubernetesResources final : public ResourceSource {
 public:
  // All outlive the source.
  struct Parts {
    kube::MeteredClient& kube;
    std::string_view version_key;
    const Clock& clock;
    Executor executor;
    log::Logger& logger;
    prometheus::Registry& registry;
    const Catalog& catalog;
    std::chrono::milliseconds max_silence;  // When the broker stops to grant.
  };

  explicit KubernetesResources(Parts parts);

  [[nodiscard]] secrets::SecretStore& store() override { return store_; }
  [[nodiscard]] secrets::CredentialView View() override;
  // Publishes nothing yet: the API is asked when the source starts.
  [[nodiscard]] Result<Done> PublishTo(CatalogPublisher& publisher,
                                       std::function<void()> when_read) override;

  [[nodiscard]] std::chrono::steady_clock::duration Silence() const override;

  [[nodiscard]] Result<Done> Start() override;
  // What was read stays; Fetch goes on.
  void Stop(Deadline deadline) override;
  [[nodiscard]] std::vector<prometheus::MetricFamily> Metrics() const override;
  void AddReadiness(admin::Readiness& readiness) const override;
  void AddStatus(admin::StatusReport& status) const override;

 private:
  [[nodiscard]] KubernetesResourcesStatus Status() const;
  [[nodiscard]] Task<void> AwaitRead();
  [[nodiscard]] Task<void> StopParts(Deadline deadline);

  const Parts parts_;
  const std::shared_ptr<TaskGroup> tasks_;
  const std::shared_ptr<OneShot<Done>> stopped_ = std::make_shared<OneShot<Done>>();
  CatalogPublisher* publisher_ = nullptr;
  std::function<void()> when_read_;
  Debouncer refresh_;
  secrets::KubeSecretStore store_;
  std::unique_ptr<ClusterSource> source_;
  std::unique_ptr<kube::Informer> classes_;
  std::unique_ptr<kube::Informer> connectors_;
  std::atomic<bool> read_ = false;
};

}  // namespace connector::broker::connectors
