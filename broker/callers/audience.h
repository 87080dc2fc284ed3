#pragma once

// Which of a token's audiences are the broker's: its own, which is good for every Connector, and
// AUDIENCE/NAMESPACE/NAME, which narrows the token to one. Pure. Internal to broker/callers.

#include "common/base/connector_ref.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace connector::broker::callers {

struct OurAudiences {
  std::vector<std::string> named;  // As the token names them; never empty.
  bool any_connector = false;
  std::vector<ConnectorRef> connectors;
};

// nullopt: none of `aud` is the broker's.
[[nodiscard]] std::optional<OurAudiences> FindAudiences(const std::vector<std::string>& aud,
                                                        std::string_view audience);

// "oci-connector/team-a/harbor"
[[nodiscard]] std::string AudienceOf(std::string_view audience, const ConnectorRef& connector);

}  // namespace connector::broker::callers
