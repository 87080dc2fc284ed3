#pragma once

// ProxyServiceReconciler: brings the Service c-NAME of a Connector and its EndpointSlices in line
// with what controller/service decides. The Writer decides whether this replica may write.

#include "common/async/task.h"
#include "common/base/result.h"
#include "common/kube/api_client.h"
#include "controller/service/proxy_service.h"
#include "controller/status/condition.h"
#include "controller/view/cluster_view.h"
#include "controller/writer/writer.h"

#include <boost/json.hpp>

#include <map>
#include <memory>
#include <string>

namespace connector::controller {

class ProxyServiceReconciler {
 public:
  // All outlive the reconciler. `client` only reads here: who holds a name that is taken.
  struct Parts {
    kube::ApiClient* client = nullptr;
    Writer* writer = nullptr;
    const ClusterView* view = nullptr;
  };

  ProxyServiceReconciler(service::ProxyServiceSettings settings, Parts parts)
      : settings_(std::move(settings)), parts_(parts) {}

  // ProxyServiceReady. An error is one that another attempt may not meet: kConflict (what we saw is
  // not what is there), kUnavailable, kDeadlineExceeded, or IsNotLeading.
  [[nodiscard]] Task<Result<status::ConditionState>> Ensure(service::Owner owner);

  // The view has what was written for it.
  void ServiceObserved(const ConnectorRef& ref) { created_.erase(ref); }

 private:
  using EnsureResult = Result<status::ConditionState>;

  Task<Result<kube::ObjectPtr>> FindOrCreate(service::Owner owner);
  Task<EnsureResult> EnsureSlices(service::Owner owner);
  Task<EnsureResult> CreateSlice(service::Owner owner, boost::json::object body);
  [[nodiscard]] Deadline ReadDeadline() const;

  const service::ProxyServiceSettings settings_;
  const Parts parts_;
  std::map<ConnectorRef, kube::ObjectPtr> created_;  // Which the view does not have yet.
};

}  // namespace connector::controller
