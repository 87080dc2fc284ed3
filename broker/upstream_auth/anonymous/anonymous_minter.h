#pragma once

// anonymous: no stored credential. Registries that challenge with Bearer still want a token, which
// their token service gives to everybody; others get no credential at all (scheme kNone).

#include "broker/upstream_auth/minter.h"
#include "common/curl/curl_client.h"

#include <memory>

namespace connector::broker::upstream_auth {

// `client` and `clock` must outlive the minter. Ignores MintRequest::credential: an anonymous
// connector never sends one.
[[nodiscard]] std::unique_ptr<Minter> MakeAnonymousMinter(curl::CurlClient& client,
                                                          const Clock& clock);

}  // namespace connector::broker::upstream_auth
