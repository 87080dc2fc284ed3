#pragma once

// CatalogPublisher: combines the effective resources with the state of the credentials outside
// them, in Vault or in Secrets of the Kubernetes API. It publishes the catalog when either changes,
// and is its only writer.
//
// An outside credential is read after its Connector appears, and changes independently. One in a
// Secret of the directory changes together with the Connectors.

#include "broker/connectors/catalog.h"
#include "broker/connectors/effective_resources.h"
#include "broker/secrets/credential_view.h"
#include "broker/secrets/file/file_store.h"
#include "broker/secrets/secret_need.h"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace prometheus {
class Gauge;
class Registry;
}  // namespace prometheus

namespace connector::broker::connectors {

struct CredentialViews {
  secrets::CredentialView vault{};
  secrets::CredentialView cluster{};  // When set, no Secret is looked up in the directory.
};

// Thread-safe.
class CatalogPublisher {
 public:
  // All outlive the publisher. `follow` is called with no lock held, `observe` with ours.
  struct Targets {
    secrets::FileSecretStore& secrets;
    Catalog& catalog;
    prometheus::Registry& registry;
    routing::UpstreamPolicy policy = {};  // Of all namespaces.
  };

  explicit CatalogPublisher(Targets targets, CredentialViews views = {});
  CatalogPublisher(const CatalogPublisher&) = delete;
  CatalogPublisher& operator=(const CatalogPublisher&) = delete;

  // True when the catalog changed. One call at a time.
  bool Publish(std::shared_ptr<const EffectiveResources> effective);

  // The results of `observe` may have changed.
  void Refresh();

  // Epochs are made with these from now on. Without any, of the versions themselves.
  void UseEpochKeys(std::shared_ptr<const EpochKeys> keys);

  // The status of the outside credential that `connector` refers to; none when there is none.
  [[nodiscard]] std::optional<admin::CredentialStatus> CredentialStatusOf(
      const resource::Connector& connector) const;

  // Whether every outside credential was read, or is known to be unreadable.
  [[nodiscard]] bool AllKnown() const;
  // Waits for that; false when `time` passes first.
  [[nodiscard]] bool WaitForCredentials(std::chrono::milliseconds time);

 private:
  struct Followed {
    const secrets::CredentialView& view;
    std::vector<secrets::SecretNeed> needs{};  // Of Publish alone.
  };

  [[nodiscard]] secrets::CredentialState StateOf(const secrets::SecretRef& ref,
                                                 const resource::CredentialWanted& wanted) const;
  [[nodiscard]] ConnectorCredentials LookupOutside(const resource::Connector& connector) const;
  [[nodiscard]] bool Rebuild();

  const Targets targets_;
  const CredentialViews views_;
  prometheus::Gauge& connectors_;
  prometheus::Gauge& unusable_;
  Followed vault_{views_.vault};
  Followed cluster_{views_.cluster};

  mutable std::mutex
      mutex_;  // Held while the catalog is replaced, so that the last state is the last one.
  std::condition_variable refreshed_;
  std::shared_ptr<const EffectiveResources> effective_ = std::make_shared<EffectiveResources>();
  std::shared_ptr<const EpochKeys> epoch_keys_;
  bool all_known_ = true;
};

}  // namespace connector::broker::connectors
