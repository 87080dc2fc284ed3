#pragma once

// The CA certificates of a connector in a trust store. Thousands of connectors bring hundreds of
// bundles with a hundred certificates each, of which a connection needs one: a certificate becomes
// usable when a peer's chain names its subject, and not before.

#include "common/base/result.h"

#include <openssl/types.h>

#include <string_view>

namespace connector::dataplane::net {

// From now on `store` trusts the certificates of `pem`, beside what it trusted. Once for a store,
// before connections use it. Fails with kInvalidArgument when `pem` holds none, or one that does
// not parse.
[[nodiscard]] Result<Done> TrustBundle(X509_STORE* store, std::string_view pem);

}  // namespace connector::dataplane::net
