#pragma once

// The rules of the configuration's `vault` beyond the types of its fields.

#include "broker/secrets/vault/vault_options.h"
#include "common/config/options_reader.h"

namespace connector::config::v1 {
class Vault;
}  // namespace connector::config::v1

namespace connector::broker::secrets {

// With complaints, what is returned is not to be used. Files that are written while the broker runs
// (tokens, a secret_id) need not be there yet.
[[nodiscard]] VaultOptions ReadVault(const config::v1::Vault& from, config::OptionsReader& reader);

}  // namespace connector::broker::secrets
