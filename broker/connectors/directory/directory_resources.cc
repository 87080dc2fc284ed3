#include "broker/connectors/directory/directory_resources.h"

#include <utility>

namespace connector::broker::connectors {

DirectoryResources::DirectoryResources(std::string directory, Parts parts)
    : directory_(std::move(directory)), parts_(parts) {}

Result<Done> DirectoryResources::PublishTo(CatalogPublisher& publisher,
                                           std::function<void()> when_read) {
  when_read_ = std::move(when_read);
  source_ = std::make_unique<DirectorySource>(
      directory_, DirectorySource::Targets{publisher, parts_.logger, parts_.registry});
  return source_->Load();
}

Result<Done> DirectoryResources::Start() {
  source_->Start();
  when_read_();
  return Done{};
}

void DirectoryResources::Stop(Deadline /*deadline*/) {
  source_->Stop();
}

}  // namespace connector::broker::connectors
