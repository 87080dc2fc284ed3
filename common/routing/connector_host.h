#pragma once

// The host form of a connector's address: c-NAME.NAMESPACE.SUFFIX (docs/rules.md "Addressing").
// Pure. What the data plane serves, and what the broker certifies, by one reading.

#include "common/base/connector_ref.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace connector::routing {

// Where the configuration names no suffixes.
[[nodiscard]] std::vector<std::string> DefaultHostSuffixes();

// Lower-case DNS labels without a dot at either end: "svc", "svc.cluster.local".
[[nodiscard]] bool IsHostSuffix(std::string_view text);

// The connector that a Host or an SNI names; none when it is not in host form. Upper case, a port
// and a final dot are ignored.
[[nodiscard]] std::optional<ConnectorRef> ConnectorOfHost(
    std::string_view host, const std::vector<std::string>& host_suffixes);

// Whether `host` is lower-case DNS labels below one of the suffixes.
[[nodiscard]] bool IsBelowSuffix(std::string_view host,
                                 const std::vector<std::string>& host_suffixes);

}  // namespace connector::routing
