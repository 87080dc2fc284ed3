#pragma once

// What the status page and readiness tell of the resources of the Kubernetes API. Pure.

#include "broker/secrets/kubernetes/kube_store.h"
#include "common/admin/admin_server.h"
#include "common/admin/status_report.h"
#include "common/base/clock.h"
#include "common/kube/informer.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace connector::broker::connectors {

struct KubernetesResourcesStatus {
  std::string server;  // Of the API.
  bool read = false;   // Once: all resources, and what could be read of their Secrets.
  kube::InformerHealth connectors{};
  kube::InformerHealth classes{};
  std::size_t connector_count = 0;
  std::size_t class_count = 0;
  std::size_t problems = 0;
  secrets::KubeStoreStatus secrets{};
};

// Not ready before everything was read: a broker that knows nothing would deny everybody, and data
// planes would drop their routes. Later an API that is away degrades: what is in force stays so.
void AddTo(admin::Readiness& readiness, const KubernetesResourcesStatus& status);

[[nodiscard]] admin::StatusSection KubernetesSection(const KubernetesResourcesStatus& status);

}  // namespace connector::broker::connectors
