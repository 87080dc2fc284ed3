#pragma once

// basicAuth: registries that know only Basic. The stored password itself is the token (secret class
// static), so that the Connector must say auth.allowStatic. Contacts nothing.

#include "broker/upstream_auth/minter.h"

#include <chrono>
#include <memory>

namespace connector::broker::upstream_auth {

// A password does not expire; after this time a data plane must request it again.
inline constexpr std::chrono::hours kBasicLife{1};

// `clock` must outlive the minter. Mint fails with kInvalidArgument without allow_static.
[[nodiscard]] std::unique_ptr<Minter> MakeBasicMinter(const Clock& clock);

// What follows "Basic " in an Authorization header (RFC 7617). Fails with kInvalidArgument for a
// credential without user name or password, and for a user name with ":" or a control character.
[[nodiscard]] Result<Secret> BasicValue(const secrets::RegistryCredential& credential,
                                        const ConnectorRef& connector);

}  // namespace connector::broker::upstream_auth
