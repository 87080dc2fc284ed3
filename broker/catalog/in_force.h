#pragma once

// Which connectors and Secrets are in force after a reload. Pure.
//
// A resource that has problems keeps its last good version, so that a typing mistake breaks nobody;
// so does everything in a file of which a part cannot be identified. A resource that is gone is
// gone at once (promise P6): nothing else keeps it alive.

#include "broker/catalog/catalog.h"
#include "common/resource/directory.h"

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace connector::broker::catalog {

struct InForce {
  std::map<ConnectorRef, resource::LoadedConnector> connectors;
  resource::SecretMap secrets;
};

[[nodiscard]] InForce Merge(const InForce& previous, const resource::DirectoryContent& loaded);

// Entries of the connectors in force. One whose Secret or CA cannot be used has `problem` set and
// no secret version, so that its epoch changes and cached tokens die. `version_of` gives the
// version of a Secret that is in force.
[[nodiscard]] std::shared_ptr<const Snapshot> MakeSnapshot(
    const InForce& in_force, const std::function<std::string(const store::SecretRef&)>& version_of);

// True when a reader could not tell one from the other.
[[nodiscard]] bool SameEntries(const Snapshot& a, const Snapshot& b);

}  // namespace connector::broker::catalog
