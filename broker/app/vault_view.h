#pragma once

// What the catalog, the status page and readiness tell of Vault. Pure.

#include "broker/catalog/in_force.h"
#include "broker/store/vault_store.h"
#include "common/admin/status.h"

#include <string>
#include <vector>

namespace connector::broker::app {

[[nodiscard]] catalog::CredentialState CredentialStateOf(const store::VaultObservation& observed);

[[nodiscard]] admin::CredentialStatus CredentialStatusOf(const resource::VaultLocation& location,
                                                         const store::VaultObservation& observed);

// Whether any connector keeps its credential in Vault.
[[nodiscard]] bool NeedsVault(const catalog::Snapshot& snapshot);

// One sentence for each thing that is wrong: what was granted goes on, so nothing of it makes a
// broker not ready.
[[nodiscard]] std::vector<std::string> DegradedBy(const vault::Status& status);

[[nodiscard]] admin::StatusSection VaultSection(const vault::Status& status);

}  // namespace connector::broker::app
