#pragma once

// anonymous: no stored credential. Registries that challenge with Bearer still want a token, which
// their token service gives to everybody; others get no credential at all (scheme kNone).

#include "broker/mint/minter.h"
#include "common/http/curl_client.h"

#include <memory>

namespace connector::broker::mint {

// `client` and `clock` must outlive the minter. Ignores MintRequest::credential: an anonymous
// connector never sends one.
[[nodiscard]] std::unique_ptr<Minter> MakeAnonymousMinter(http::CurlClient& client,
                                                          const Clock& clock);

}  // namespace connector::broker::mint
