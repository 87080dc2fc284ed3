#pragma once

// ResourceSource: where Connectors come from, and the Secrets that they name. Implementations:
// a directory of files (directory/), the Kubernetes API (kubernetes/).
//
// As a component it begins to follow changes when it starts. Then it also says once, as soon as
// everything was read as far as it can be, that the broker may answer calls.

#include "broker/connectors/catalog_publisher.h"
#include "common/base/result.h"
#include "common/log/log.h"
#include "common/program/component.h"

#include <chrono>
#include <functional>

namespace connector::broker::connectors {

class ResourceSource : public program::Component {
 public:
  // Of Secrets that Connectors name.
  [[nodiscard]] virtual secrets::SecretStore& store() = 0;
  // What is known of them; empty where they change together with the Connectors.
  [[nodiscard]] virtual secrets::CredentialView View() = 0;
  // Once, before Start. Publishes what can be read at once. `publisher` outlives the source;
  // `when_read` is called on any thread.
  [[nodiscard]] virtual Result<Done> PublishTo(CatalogPublisher& publisher,
                                               std::function<void()> when_read) = 0;
  // For how long changes cannot be seen; about zero while they can. Any thread, after PublishTo.
  [[nodiscard]] virtual std::chrono::steady_clock::duration Silence() const = 0;
};

}  // namespace connector::broker::connectors
