#pragma once

// The minter of each kind of authentication: the one place that knows them all.

#include "broker/upstream_auth/minter.h"
#include "common/curl/curl_client.h"
#include "common/resource/auth_kinds.h"

#include <map>
#include <memory>

namespace connector::broker::upstream_auth {

// `client` and `clock` outlive the minter.
[[nodiscard]] std::unique_ptr<Minter> MakeMinter(resource::AuthKind kind,
                                                 curl::CurlClient& client,
                                                 const Clock& clock);

// One for every row of resource::kAuthKinds.
[[nodiscard]] std::map<resource::AuthKind, std::shared_ptr<Minter>> MakeMinters(
    curl::CurlClient& client, const Clock& clock);

}  // namespace connector::broker::upstream_auth
