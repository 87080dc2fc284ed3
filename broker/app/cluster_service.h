#pragma once

// ClusterService: Connectors, ConnectorClasses and Secrets of the Kubernetes API, kept up to date,
// as the other parts of a broker want to see them.

#include "broker/app/cluster_view.h"
#include "broker/connectors/catalog_publisher.h"
#include "broker/connectors/kubernetes/cluster_source.h"
#include "broker/secrets/kubernetes/kube_store.h"
#include "common/async/debouncer.h"
#include "common/kube/informer.h"
#include "common/kube/metered_client.h"

#include <prometheus/collectable.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string_view>

namespace connector::broker::app {

class ClusterService {
 public:
  // All outlive the service.
  struct Parts {
    kube::MeteredClient& kube;
    std::string_view root_key;
    const Clock& clock;
    asio::io_context& io;
    log::Logger& logger;
    prometheus::Registry& registry;
  };

  explicit ClusterService(Parts parts);

  [[nodiscard]] secrets::KubeSecretStore& store() { return store_; }
  [[nodiscard]] connectors::CredentialView View();
  [[nodiscard]] std::shared_ptr<prometheus::Collectable> state_metrics() const {
    return state_metrics_;
  }
  [[nodiscard]] ClusterStatus Status() const;

  // Before anything else but View. `publisher` outlives the service.
  void PublishTo(connectors::CatalogPublisher& publisher);
  // Starts reading. `when_read` is called once, on the executor, when everything was read, as far
  // as it can be.
  void Start(std::function<void()> when_read);

  // What was read stays; Fetch goes on. Blocks; threads must run the executor.
  void Stop();

 private:
  [[nodiscard]] Task<void> AwaitRead(std::function<void()> when_read);

  const Parts parts_;
  const std::shared_ptr<Scope> scope_;
  const std::shared_ptr<OneShot<Done>> stopped_ = std::make_shared<OneShot<Done>>();
  connectors::CatalogPublisher* publisher_ = nullptr;
  Debouncer refresh_;
  secrets::KubeSecretStore store_;
  std::unique_ptr<connectors::ClusterSource> source_;
  std::unique_ptr<kube::Informer> classes_;
  std::unique_ptr<kube::Informer> connectors_;
  std::atomic<bool> read_ = false;
  std::shared_ptr<prometheus::Collectable> state_metrics_;
};

}  // namespace connector::broker::app
