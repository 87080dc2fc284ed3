#include "broker/callers/oidc/oidc_issuer_options.h"

#include "common/resource/ca_bundle.h"

#include "proto/connector/config/v1/broker.pb.h"

namespace connector::broker::callers {

OidcIssuerOptions ReadOidcIssuer(const config::v1::OidcIssuer& from,
                                 const std::string& path,
                                 const std::string& audience,
                                 config::OptionsReader& reader) {
  OidcIssuerOptions options{from.issuer(),
                            from.audience().empty() ? audience : from.audience(),
                            {},
                            from.jwks_uri(),
                            from.allow_insecure(),
                            from.kubernetes()};
  options.ca_pem = resource::ReadCaFile(path + ".caFile", from.ca_file(), reader);
  return options;
}

}  // namespace connector::broker::callers
