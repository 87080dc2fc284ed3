#include "broker/connectors/kubernetes/kubernetes_resources_status.h"

#include <ctime>

namespace connector::broker::connectors {
namespace {

std::string TimeText(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[sizeof("2026-11-24T12:00:00Z")] = {};
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string StateOf(const kube::InformerHealth& health) {
  if (health.failing_since) {
    return (health.synced ? "as of " + TimeText(*health.failing_since) + ": "
                          : std::string("not read: ")) +
           health.problem;
  }
  return health.synced ? "up to date" : "being read";
}

const kube::InformerHealth* Failing(const KubernetesResourcesStatus& status) {
  for (const kube::InformerHealth* health : {&status.connectors, &status.classes}) {
    if (health->failing_since) {
      return health;
    }
  }
  return nullptr;
}

std::string Unread(const KubernetesResourcesStatus& status) {
  if (const kube::InformerHealth* failing = Failing(status)) {
    return "the Connectors could not be read from the Kubernetes API at " + status.server +
           " yet: " + failing->problem;
  }
  if (!status.connectors.synced || !status.classes.synced) {
    return "the Connectors are being read from the Kubernetes API at " + status.server;
  }
  if (status.secrets.unknown == 0) {
    return "the credentials of the Connectors are being read";
  }
  return std::to_string(status.secrets.unknown) + " of " + std::to_string(status.secrets.followed) +
         " Secrets were not read yet";
}

}  // namespace

void AddTo(admin::Readiness& readiness, const KubernetesResourcesStatus& status) {
  if (!status.read) {
    readiness.reasons.push_back(Unread(status));
    return;
  }
  if (const kube::InformerHealth* failing = Failing(status)) {
    readiness.degraded.push_back("the Kubernetes API cannot be used since " +
                                 TimeText(*failing->failing_since) +
                                 ", Connectors and Secrets stay as they were: " + failing->problem);
  }
}

admin::StatusSection KubernetesSection(const KubernetesResourcesStatus& status) {
  const secrets::KubeStoreStatus& secrets = status.secrets;
  return {
      "Kubernetes",
      {{"API", status.server},
       {"Connectors", std::to_string(status.connector_count) + ", " + StateOf(status.connectors)},
       {"Connector classes", std::to_string(status.class_count) + ", " + StateOf(status.classes)},
       {"Resources with a problem", std::to_string(status.problems)},
       {"Secrets that are watched", std::to_string(secrets.followed)},
       {"Secrets that cannot be used", std::to_string(secrets.unusable)},
       {"Secrets whose watch fails", std::to_string(secrets.failing)},
       {"Secrets not read yet", std::to_string(secrets.unknown)},
       {"Watches begun again", std::to_string(secrets.watch_restarts)}}};
}

}  // namespace connector::broker::connectors
