#pragma once

// Publisher: joins the resources in force with what is known of the credentials in Vault, and
// publishes the catalog when either changes. The only writer of the catalog.
//
// A credential in Vault is read after the Connector is there, and may come and go by itself; one in
// a Secret of the directory changes together with the Connectors.

#include "broker/catalog/catalog.h"
#include "broker/catalog/in_force.h"
#include "broker/store/file_store.h"

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

namespace connector::broker::catalog {

// Where credentials that are not in the directory come from. Empty functions: from nowhere.
struct VaultView {
  // What must be watched from now on; replaces what was before.
  std::function<void(std::vector<store::SecretRef>)> follow{};
  std::function<CredentialState(const store::SecretRef&)> observe{};
};

// Thread-safe.
class Publisher {
 public:
  // All outlive the publisher. `follow` is called with no lock held, `observe` with ours.
  struct Targets {
    store::FileSecretStore& secrets;
    Catalog& catalog;
    prometheus::Registry& registry;
  };

  explicit Publisher(Targets targets, VaultView vault = {});
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  // True when the catalog changed. One call at a time.
  bool Publish(std::shared_ptr<const InForce> in_force);

  // Something that `observe` tells may have changed.
  void Refresh();

  // Waits until every credential in Vault was read or cannot be; false when `time` is over first.
  [[nodiscard]] bool WaitForCredentials(std::chrono::milliseconds time);

 private:
  [[nodiscard]] CredentialState StateOf(const store::SecretRef& ref) const;
  [[nodiscard]] bool Rebuild();

  const Targets targets_;
  const VaultView vault_;
  prometheus::Gauge& connectors_;
  prometheus::Gauge& unusable_;
  std::vector<store::SecretRef> followed_;  // Of Publish alone.

  std::mutex mutex_;  // Held while the catalog is replaced, so that the last state is the last one.
  std::condition_variable refreshed_;
  std::shared_ptr<const InForce> in_force_ = std::make_shared<InForce>();
  bool all_known_ = true;
};

}  // namespace connector::broker::catalog
