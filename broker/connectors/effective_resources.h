#pragma once

// Decides which connectors and Secrets are effective after a reload. Pure.
//
// A resource with problems keeps its last good version, so that a typing mistake breaks nobody. The
// same holds for every resource of a file of which a part cannot be identified. A deleted resource
// stops at once (docs/promises.md P6); nothing else keeps it. A Connector that is kept goes by its
// class of today: else its author, who may break it, would keep what the class has taken away.

#include "broker/connectors/catalog.h"
#include "broker/secrets/credential_view.h"
#include "common/resource/directory.h"

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace connector::broker::connectors {

struct EffectiveResources {
  std::map<ConnectorRef, resource::LoadedConnector> connectors;
  resource::SecretMap secrets;
  resource::ClassMap classes = {};  // Of files.
};

[[nodiscard]] EffectiveResources MergeResources(const EffectiveResources& previous,
                                                const resource::DirectoryContent& loaded);

// Narrows `connector` by its class, where that is one of `classes`.
void NarrowByItsClass(const resource::ClassMap& classes, resource::LoadedConnector& connector);

struct ConnectorCredentials {
  secrets::CredentialState credential{};
  secrets::CaState ca{};
};

using CredentialLookup = std::function<ConnectorCredentials(const resource::Connector&)>;

// Looks credentials up in the effective Secrets. `state_of` is called for those that can be used,
// and for credentials outside the directory. `effective` outlives what is returned.
[[nodiscard]] CredentialLookup DirectoryLookup(
    const EffectiveResources& effective,
    std::function<secrets::CredentialState(const secrets::SecretRef&,
                                           const resource::CredentialWanted&)> state_of);

// Makes the entries of the effective connectors. One whose credential or CA cannot be used has
// `problem` set and no secret version: its epoch changes and cached tokens end. Entries of
// `previous` that are unchanged are reused, because digests are expensive.
// `policy`, of all namespaces, is that of `previous`. `keys` are those of the epochs.
[[nodiscard]] std::shared_ptr<const CatalogSnapshot> MakeSnapshot(
    const EffectiveResources& effective,
    const CredentialLookup& lookup,
    const CatalogSnapshot& previous = {},
    const routing::UpstreamPolicy& policy = {},
    const std::shared_ptr<const EpochKeys>& keys = {});

// True when both have the same entries for a reader.
[[nodiscard]] bool SameEntries(const CatalogSnapshot& a, const CatalogSnapshot& b);

}  // namespace connector::broker::connectors
