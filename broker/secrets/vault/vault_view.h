#pragma once

// What the catalog, the status page and readiness tell of Vault. Pure.

#include "broker/connectors/effective_resources.h"
#include "broker/secrets/vault/vault_store.h"
#include "common/admin/status_report.h"

#include <string>
#include <vector>

namespace connector::broker::secrets {

[[nodiscard]] connectors::CredentialState CredentialStateOf(
    const secrets::VaultObservation& observed);

[[nodiscard]] admin::CredentialStatus CredentialStatusOf(const resource::VaultLocation& location,
                                                         const secrets::VaultObservation& observed);

// Whether any connector keeps its credential in Vault.
[[nodiscard]] bool NeedsVault(const connectors::CatalogSnapshot& snapshot);

// One sentence for each thing that is wrong: what was granted goes on, so nothing of it makes a
// broker not ready.
[[nodiscard]] std::vector<std::string> DegradedBy(const VaultStatus& status);

[[nodiscard]] admin::StatusSection VaultSection(const VaultStatus& status);

}  // namespace connector::broker::secrets
