#pragma once

// Where an OIDC issuer's keys come from: its discovery document, then its JWKS. Internal to
// broker/callers. An issuer chooses the content of both documents, so every check of them is
// here. No credential is ever sent to get them.

#include "common/async/task.h"
#include "common/base/result.h"
#include "common/http/origin.h"
#include "common/jose/jwk_set.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace connector::broker::callers {

// GETs one document: the body of a 200 answer, anything else is an error. Follows no redirect and
// sends no credential. `ca_pem` adds to the system's trust; empty for none.
using FetchDocument =
    std::function<Task<Result<std::string>>(http::Url url, std::string ca_pem, Deadline deadline)>;

inline constexpr std::size_t kMaxDiscoveryBytes = 64 * 1024;

struct KeySource {
  std::string issuer;
  std::string ca_pem;
  std::optional<http::Url> jwks_uri;  // Skips discovery.
  bool allow_insecure = false;        // http, for development.
};

// {issuer}/.well-known/openid-configuration (OpenID Connect Discovery 1.0 section 4: one slash at
// the issuer's end goes). Fails with kInvalidArgument when the issuer is not an https URL without a
// query, or an http one with `allow_insecure`.
[[nodiscard]] Result<http::Url> DiscoveryUrl(std::string_view issuer, bool allow_insecure);

// The jwks_uri of a discovery document. Fails with kUnavailable/kUpstream when the document is not
// an object in JSON, names another issuer than exactly this one (section 4.3), or has no jwks_uri
// of an allowed scheme.
[[nodiscard]] Result<http::Url> ReadDiscovery(const KeySource& source, std::string_view document);

// One attempt. Every error is kUnavailable with Retry::kSafe, and says which step failed.
[[nodiscard]] Task<Result<jose::JwkSet>> FetchKeys(KeySource source,
                                                   FetchDocument fetch,
                                                   Deadline deadline);

}  // namespace connector::broker::callers
