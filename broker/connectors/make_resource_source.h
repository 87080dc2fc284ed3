#pragma once

// Chooses where Connectors come from. The only switch over the places.

#include "broker/connectors/catalog.h"
#include "broker/connectors/resource_source.h"
#include "broker/secrets/file/file_store.h"
#include "common/kube/metered_client.h"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace connector::broker::connectors {

// All outlive the source.
struct ResourceSourceParts {
  secrets::FileSecretStore& secrets;
  kube::MeteredClient* kube = nullptr;  // Needed without a directory.
  std::string_view version_key;
  const Clock& clock;
  Executor executor;
  log::Logger& logger;
  prometheus::Registry& registry;
  const Catalog& catalog;
  std::chrono::milliseconds max_silence;  // When the broker stops to grant.
};

// Of `directory`; where that is empty, of the Kubernetes API.
[[nodiscard]] std::unique_ptr<ResourceSource> MakeResourceSource(const std::string& directory,
                                                                 const ResourceSourceParts& parts);

}  // namespace connector::broker::connectors
