#pragma once

// tokenAuth: a token service exchanges the stored credential for a token of just the scopes asked
// (secret class derived). The realm comes from the registry and is used only when the Connector
// pins it. A registry whose /v2/ asks for nothing gets no credential (scheme kNone).

#include "broker/mint/minter.h"
#include "common/http/curl_client.h"

#include <memory>

namespace connector::broker::mint {

// `client` and `clock` must outlive the minter.
[[nodiscard]] std::unique_ptr<Minter> MakeDistributionMinter(http::CurlClient& client,
                                                             const Clock& clock);

}  // namespace connector::broker::mint
