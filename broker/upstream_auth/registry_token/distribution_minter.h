#pragma once

// tokenAuth: a token service exchanges the stored credential for a token of just the scopes asked
// (secret class derived). The realm comes from the registry and is used only when the Connector
// pins it. A registry whose /v2/ asks for nothing gets no credential (scheme kNone).

#include "broker/upstream_auth/minter.h"
#include "common/curl/curl_client.h"

#include <memory>

namespace connector::broker::upstream_auth {

// `client` and `clock` must outlive the minter.
[[nodiscard]] std::unique_ptr<Minter> MakeDistributionMinter(curl::CurlClient& client,
                                                             const Clock& clock);

}  // namespace connector::broker::upstream_auth
