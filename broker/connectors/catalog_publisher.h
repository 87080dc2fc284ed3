#pragma once

// CatalogPublisher: joins the resources in force with what is known of the credentials outside of
// them, in Vault or in Secrets of the Kubernetes API, and publishes the catalog when either
// changes. The only writer of the catalog.
//
// Such a credential is read after the Connector is there, and may come and go by itself; one in a
// Secret of the directory changes together with the Connectors.

#include "broker/connectors/catalog.h"
#include "broker/connectors/effective_resources.h"
#include "broker/secrets/file/file_store.h"
#include "broker/secrets/secret_need.h"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace prometheus {
class Gauge;
class Registry;
}  // namespace prometheus

namespace connector::broker::connectors {

// A place outside the resources where credentials are. Empty functions: there is none.
struct CredentialView {
  // What must be watched from now on; replaces what was before.
  std::function<void(std::vector<secrets::SecretNeed>)> follow{};
  // `registry` is host[:port] of the one that the credential is for.
  std::function<CredentialState(const secrets::SecretRef&, const std::string& registry)> observe{};
  std::function<CaState(const secrets::SecretRef&)> observe_ca{};
};

struct CredentialViews {
  CredentialView vault{};
  CredentialView cluster{};  // Where there is one, no Secret is looked for in the directory.
};

// Thread-safe.
class CatalogPublisher {
 public:
  // All outlive the publisher. `follow` is called with no lock held, `observe` with ours.
  struct Targets {
    secrets::FileSecretStore& secrets;
    Catalog& catalog;
    prometheus::Registry& registry;
  };

  explicit CatalogPublisher(Targets targets, CredentialViews views = {});
  CatalogPublisher(const CatalogPublisher&) = delete;
  CatalogPublisher& operator=(const CatalogPublisher&) = delete;

  // True when the catalog changed. One call at a time.
  bool Publish(std::shared_ptr<const EffectiveResources> effective);

  // Something that `observe` tells may have changed.
  void Refresh();

  // Whether every credential outside was read, or cannot be.
  [[nodiscard]] bool AllKnown() const;
  // Waits until every credential outside was read or cannot be; false when `time` is over first.
  [[nodiscard]] bool WaitForCredentials(std::chrono::milliseconds time);

 private:
  struct Followed {
    const CredentialView& view;
    std::vector<secrets::SecretNeed> needs{};  // Of Publish alone.
  };

  [[nodiscard]] CredentialState StateOf(const secrets::SecretRef& ref,
                                        const std::string& registry) const;
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
  bool all_known_ = true;
};

}  // namespace connector::broker::connectors
