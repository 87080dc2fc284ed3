#pragma once

// Catalog: the effective connectors, each with the version of its secret and its epoch. Readers
// take an immutable snapshot; writers replace it whole. The catalog holds no secret, only versions
// and CA bundles, of which entries share one copy.

#include "broker/connectors/epoch_keys.h"
#include "broker/secrets/secret_store.h"
#include "common/base/connector_ref.h"
#include "common/resource/ca_bundle.h"
#include "common/resource/connector.h"
#include "common/routing/upstream_policy.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace connector::broker::connectors {

struct CatalogEntry {
  std::shared_ptr<const resource::Connector> connector;
  resource::CaBundle ca;       // Of caCertSecretRef; empty when none.
  std::string secret_version;  // Empty when there is none, or none could be read.
  std::string problem;         // Why the secret or CA cannot be used; empty when all is well.
  // What holds for the connector's namespace. Never null.
  std::shared_ptr<const routing::UpstreamPolicy> policy =
      std::make_shared<routing::UpstreamPolicy>();
  // Of everything that a minted token depends on, except the scopes. This process's own.
  std::string mint_key;
  // Of everything that a grant depends on (credential, rules, policy): the same on every broker by
  // SameVersion of common/base/keyed_version.h, and new text when a root key is replaced.
  std::string epoch;
  std::shared_ptr<const EpochKeys> epoch_keys;  // That it was made with.
};

struct CatalogSnapshot {
  std::map<ConnectorRef, std::shared_ptr<const CatalogEntry>> entries;

  [[nodiscard]] std::shared_ptr<const CatalogEntry> Find(const ConnectorRef& ref) const;
  // Entries whose registry `host[:port]` names in the mirror form, in order of their names.
  [[nodiscard]] std::vector<std::shared_ptr<const CatalogEntry>> FindByMirrorHost(
      std::string_view host) const;
};

// Makes an entry: computes mint_key and epoch. Without `keys` the epoch is of the version itself.
[[nodiscard]] std::shared_ptr<const CatalogEntry> MakeCatalogEntry(
    std::shared_ptr<const resource::Connector> connector,
    resource::CaBundle ca,
    std::string secret_version,
    std::string problem,
    const routing::UpstreamPolicy& policy = {},
    std::shared_ptr<const EpochKeys> keys = {});

// Thread-safe.
class Catalog {
 public:
  using Listener = std::function<void(const std::shared_ptr<const CatalogSnapshot>&)>;

  [[nodiscard]] std::shared_ptr<const CatalogSnapshot> Current() const;

  // Publishes `next` and calls every listener with it, in the caller's thread, one call at a time.
  void Replace(std::shared_ptr<const CatalogSnapshot> next);

  // `listener` is called at once with the current snapshot, then at every change, until Unsubscribe
  // returns. It must not block and must not call back into Subscribe or Unsubscribe.
  [[nodiscard]] std::uint64_t Subscribe(Listener listener);
  void Unsubscribe(std::uint64_t id);

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const CatalogSnapshot> current_ = std::make_shared<CatalogSnapshot>();
  std::mutex delivery_mutex_;  // Held while listeners run, so that they see changes in order.
  std::map<std::uint64_t, Listener> listeners_;
  std::uint64_t next_id_ = 1;
};

}  // namespace connector::broker::connectors
