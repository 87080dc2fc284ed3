#pragma once

// What the catalog, the status page and readiness show of Vault. Pure.

#include "broker/secrets/credential_view.h"
#include "broker/secrets/vault/vault_store.h"
#include "common/admin/status_report.h"

#include <string>
#include <vector>

namespace connector::broker::secrets {

[[nodiscard]] CredentialState CredentialStateOf(const VaultObservation& observed,
                                                const resource::CredentialWanted& wanted);

[[nodiscard]] admin::CredentialStatus CredentialStatusOf(const resource::VaultLocation& location,
                                                         const VaultObservation& observed);

// One sentence for each problem. None makes the broker not ready: tokens that were issued stay
// valid.
[[nodiscard]] std::vector<std::string> DegradedBy(const VaultStatus& status);

[[nodiscard]] admin::StatusSection VaultSection(const VaultStatus& status);

}  // namespace connector::broker::secrets
