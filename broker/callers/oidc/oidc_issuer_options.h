#pragma once

// An OpenID Connect issuer of callers' tokens.

#include "common/config/options_reader.h"

#include <string>

namespace connector::config::v1 {
class OidcIssuer;
}  // namespace connector::config::v1

namespace connector::broker::callers {

struct OidcIssuerOptions {
  std::string issuer;
  std::string audience;
  std::string ca_pem;
  std::string jwks_uri;
  bool allow_insecure = false;
  bool kubernetes = false;
  bool own_cluster = false;  // As callers_options.h decides.
};

// `path`: where the issuer stands in the configuration. `audience`: of those that name none.
[[nodiscard]] OidcIssuerOptions ReadOidcIssuer(const config::v1::OidcIssuer& from,
                                               const std::string& path,
                                               const std::string& audience,
                                               config::OptionsReader& reader);

}  // namespace connector::broker::callers
