#pragma once

// DirectoryResources: the ResourceSource of a directory of files. It is read before the broker
// starts, and watched from then on.

#include "broker/connectors/directory/directory_source.h"
#include "broker/connectors/resource_source.h"
#include "broker/secrets/file/file_store.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace connector::broker::connectors {

class DirectoryResources final : public ResourceSource {
 public:
  // All outlive the source. The publisher keeps `secrets` up to date.
  struct Parts {
    secrets::FileSecretStore& secrets;
    log::Logger& logger;
    prometheus::Registry& registry;
  };

  DirectoryResources(std::string directory, Parts parts);

  [[nodiscard]] secrets::SecretStore& store() override { return parts_.secrets; }
  [[nodiscard]] secrets::CredentialView View() override { return {}; }
  // Fails when the directory cannot be read.
  [[nodiscard]] Result<Done> PublishTo(CatalogPublisher& publisher,
                                       std::function<void()> when_read) override;

  [[nodiscard]] std::chrono::steady_clock::duration Silence() const override {
    return source_->Silence();
  }

  [[nodiscard]] Result<Done> Start() override;
  void Stop(Deadline deadline) override;

 private:
  const std::string directory_;
  const Parts parts_;
  std::function<void()> when_read_;
  std::unique_ptr<DirectorySource> source_;
};

}  // namespace connector::broker::connectors
