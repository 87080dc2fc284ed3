#include "broker/connectors/make_resource_source.h"

#include "broker/connectors/directory/directory_resources.h"
#include "broker/connectors/kubernetes/kubernetes_resources.h"

namespace connector::broker::connectors {

std::unique_ptr<ResourceSource> MakeResourceSource(const std::string& directory,
                                                   const ResourceSourceParts& parts) {
  if (!directory.empty()) {
    return std::make_unique<DirectoryResources>(
        directory, DirectoryResources::Parts{parts.secrets, parts.logger, parts.registry});
  }
  return std::make_unique<KubernetesResources>(KubernetesResources::Parts{*parts.kube,
                                                                          parts.version_key,
                                                                          parts.clock,
                                                                          parts.executor,
                                                                          parts.logger,
                                                                          parts.registry,
                                                                          parts.catalog,
                                                                          parts.max_silence});
}

}  // namespace connector::broker::connectors
