#pragma once

// TokenFlow: the distribution token protocol, with or without a credential. What
// distribution_minter and anonymous_minter share. Follows no redirect, contacts the registry
// without a credential and the pinned token service with one. Rule source: distribution docs
// spec/auth/token.md and oauth.md; docs/rules.md "Token requests".

#include "broker/upstream_auth/minter.h"
#include "broker/upstream_auth/registry_token/discovery.h"
#include "broker/upstream_auth/registry_token/realm.h"
#include "broker/upstream_auth/upstream_client.h"

#include <chrono>

namespace connector::broker::upstream_auth {

// How long "this registry wants no credential" is believed.
inline constexpr std::chrono::seconds kOpenRegistryLife{60};

// Thread-safe.
class TokenFlow {
 public:
  // Both must outlive this object.
  TokenFlow(UpstreamClient& client, const Clock& clock)
      : client_(client), clock_(clock), discovery_(client, clock) {}

  // As Minter::Mint. With a null credential the token is asked for anonymously.
  //
  // User name and password: GET with Basic; POST grant_type=password when the service does not know
  // GET (404, 405) or answers 401 with challenges that leave Basic out. Not after any other 401: a
  // second attempt with a wrong password would only lock the account. An identity token: POST
  // grant_type=refresh_token only.
  [[nodiscard]] Task<Result<UpstreamToken>> Run(MintRequest request, Deadline deadline);

 private:
  [[nodiscard]] Task<Result<UpstreamToken>> Ask(MintRequest request,
                                                TokenEndpoint endpoint,
                                                Deadline deadline);
  [[nodiscard]] Task<Result<curl::CurlResponse>> Send(curl::CurlRequest http,
                                                      MintRequest request,
                                                      Deadline deadline);

  UpstreamClient& client_;
  const Clock& clock_;
  Discovery discovery_;
};

}  // namespace connector::broker::upstream_auth
