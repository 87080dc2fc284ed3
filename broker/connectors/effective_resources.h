#pragma once

// Which connectors and Secrets are in force after a reload. Pure.
//
// A resource that has problems keeps its last good version, so that a typing mistake breaks nobody;
// so does everything in a file of which a part cannot be identified. A resource that is gone is
// gone at once (promise P6): nothing else keeps it alive.

#include "broker/connectors/catalog.h"
#include "common/resource/directory.h"

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace connector::broker::connectors {

struct EffectiveResources {
  std::map<ConnectorRef, resource::LoadedConnector> connectors;
  resource::SecretMap secrets;
};

[[nodiscard]] EffectiveResources Merge(const EffectiveResources& previous,
                                       const resource::DirectoryContent& loaded);

// What is known of the credential that a connector refers to.
struct CredentialState {
  std::string version{};  // Empty when it cannot be used, or was not read yet.
  std::string problem{};  // Why; empty when it can be used.
  bool known = true;      // False: it was not read yet, and nothing says that it cannot be.
};

// The same of its CA bundle.
struct CaState {
  std::string pem{};
  std::string problem{};
  bool known = true;
};

struct ConnectorCredentials {
  CredentialState credential{};
  CaState ca{};
};

using CredentialLookup = std::function<ConnectorCredentials(const resource::Connector&)>;

// Looks at the Secrets that are in force. `state_of` is asked for those that can be used, and for
// credentials that are not in the directory. `effective` outlives what is returned.
[[nodiscard]] CredentialLookup DirectoryLookup(
    const EffectiveResources& effective,
    std::function<CredentialState(const secrets::SecretRef&)> state_of);

// Entries of the connectors in force. One whose credential or CA cannot be used has `problem` set
// and no secret version, so that its epoch changes and cached tokens die. What `previous` has and
// is still so is taken from it: digests are made of what changed alone.
[[nodiscard]] std::shared_ptr<const CatalogSnapshot> MakeSnapshot(
    const EffectiveResources& effective,
    const CredentialLookup& lookup,
    const CatalogSnapshot& previous = {});

// True when a reader could not tell one from the other.
[[nodiscard]] bool SameEntries(const CatalogSnapshot& a, const CatalogSnapshot& b);

}  // namespace connector::broker::connectors
