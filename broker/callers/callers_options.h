#pragma once

// Whose tokens the broker believes: the configuration's `identity`.

#include "broker/callers/kubernetes/kubernetes_identity_options.h"
#include "broker/callers/local/local_issuer_options.h"
#include "broker/callers/oidc/oidc_issuer_options.h"
#include "common/config/options_reader.h"

#include <optional>
#include <string>
#include <vector>

namespace connector::config::v1 {
class Identity;
}  // namespace connector::config::v1

namespace connector::broker::callers {

inline constexpr const char* kDefaultAudience = "oci-connector";

struct CallersOptions {
  std::string audience = kDefaultAudience;
  bool require_connector_audience = false;
  std::optional<LocalIssuerOptions> local;
  std::vector<OidcIssuerOptions> oidc;
  std::optional<KubernetesIdentityOptions> kubernetes;
};

[[nodiscard]] CallersOptions ReadCallers(const config::v1::Identity& from,
                                         config::OptionsReader& reader);

}  // namespace connector::broker::callers
