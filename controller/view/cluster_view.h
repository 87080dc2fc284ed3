#pragma once

// ClusterView: the controller's copy of what it reconciles: Connectors, ConnectorClasses, the
// Services and EndpointSlices that carry our label, and in Mode::kEndpoints the data plane's own
// EndpointSlices. Kept by watches, whether this replica leads or not.
//
// Services of others are deliberately not watched: a cluster may have many. One that takes a name
// of ours is found when ours cannot be created.

#include "common/base/clock.h"
#include "common/base/connector_ref.h"
#include "common/kube/informer.h"
#include "controller/service/proxy_service.h"
#include "controller/service/proxy_slices.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace connector::controller {

// Which Connector a Service or an EndpointSlice of ours belongs to, by its name; absent when it has
// none that we would give.
[[nodiscard]] std::optional<ConnectorRef> ConnectorOfService(const kube::ObjectName& name);
[[nodiscard]] std::optional<ConnectorRef> ConnectorOfSlice(const kube::ObjectName& name);

class ClusterView {
 public:
  struct Parts {
    kube::ApiClient* client = nullptr;
    const Clock* clock = nullptr;
    log::Logger* logger = nullptr;
    std::function<double()> random;
    // On the executor. Nothing is reported before all are synced.
    std::function<void(const std::vector<ConnectorRef>&)> on_change;
    std::function<void()> on_all;  // All Connectors may be concerned: first sync, a class ...
  };

  ClusterView(service::ProxyServiceSettings settings, Parts parts);
  ~ClusterView();
  ClusterView(const ClusterView&) = delete;
  ClusterView& operator=(const ClusterView&) = delete;

  void Start(Executor executor);
  [[nodiscard]] Task<bool> Stop(Deadline deadline);

  // Any thread.
  [[nodiscard]] std::shared_ptr<const kube::Store> connectors() const;
  [[nodiscard]] bool Synced() const;
  // One sentence for each watch that is not up, beginning with what it watches.
  [[nodiscard]] std::vector<std::string> NotSynced() const;
  [[nodiscard]] std::vector<std::string> Failing() const;

  // On the executor.
  [[nodiscard]] std::vector<kube::ObjectPtr> classes() const;
  [[nodiscard]] kube::ObjectPtr FindService(const ConnectorRef& ref) const;
  [[nodiscard]] std::vector<kube::ObjectPtr> SlicesOf(const ConnectorRef& ref) const;
  [[nodiscard]] const service::DataplaneEndpoints& endpoints() const { return endpoints_; }

 private:
  struct Watch;

  void Add(std::string what, kube::InformerOptions options, kube::Informer::OnChange on_change);
  void Report(const kube::Changes& changes,
              std::optional<ConnectorRef> (*owner)(const kube::ObjectName&));
  void ReportAll();

  const service::ProxyServiceSettings settings_;
  const Parts parts_;
  std::vector<std::unique_ptr<Watch>> watches_;
  kube::Informer* connectors_ = nullptr;
  kube::Informer* classes_ = nullptr;
  kube::Informer* services_ = nullptr;
  kube::Informer* slices_ = nullptr;
  service::DataplaneEndpoints endpoints_;
  bool was_synced_ = false;
};

}  // namespace connector::controller
