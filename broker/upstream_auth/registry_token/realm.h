#pragma once

// Where a connector's credential may go (docs/promises.md P5), and what a token request there looks
// like. Pure. The realm that a registry names is checked against the connector's configuration; its
// scopes are never used, because scopes are computed from the client's request.

#include "broker/upstream_auth/minter.h"
#include "common/http/origin.h"
#include "common/oci/challenge.h"

#include <string>
#include <vector>

namespace connector::broker::upstream_auth {

inline constexpr char kClientId[] = "oci-connector";

struct TokenEndpoint {
  http::Url realm;      // Its query holds what must be kept of the registry's.
  std::string service;  // Empty when the registry named none.

  bool operator==(const TokenEndpoint&) const = default;
};

// The endpoint that `challenge` names, if the connector pins it: spec.upstream.tokenRealm with the
// same origin and path, or without one, any path on the origin of the address. The realm's query
// (the pinned one's, when it has one) is kept but for `scope`, other parameters that are ours, and
// `service` where the challenge names one.
//
// Fails with kInvalidArgument/kUpstream and a sentence that says what to configure,
// also for http without allowInsecureUpstream.
[[nodiscard]] Result<TokenEndpoint> PinnedEndpoint(const resource::Connector& connector,
                                                   const oci::BearerChallenge& challenge);

// Most specific first, since some services look only at the first: more actions, then as given.
[[nodiscard]] std::vector<oci::Scope> OrderedForTokenService(std::vector<oci::Scope> scopes);

// The URL of the GET flow.
[[nodiscard]] http::Url TokenUrl(const TokenEndpoint& endpoint,
                                 const std::vector<oci::Scope>& scopes);

// The form of the POST flow (oauth.md): grant_type=refresh_token with an identity token, else
// grant_type=password.
[[nodiscard]] Secret TokenForm(const TokenEndpoint& endpoint,
                               const std::vector<oci::Scope>& scopes,
                               const secrets::RegistryCredential& credential);

}  // namespace connector::broker::upstream_auth
