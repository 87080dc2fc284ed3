#pragma once

#include "broker/secrets/secret_store.h"
#include "common/base/result.h"
#include "common/base/secret.h"
#include "common/oci/reference.h"

namespace connector::broker::upstream_auth {

// What follows "Basic " in an Authorization header (RFC 7617). Fails with kInvalidArgument for a
// credential without user name or password, and for a user name with ":" or a control character.
[[nodiscard]] Result<Secret> BasicValue(const secrets::RegistryCredential& credential,
                                        const ConnectorRef& connector);

}  // namespace connector::broker::upstream_auth
