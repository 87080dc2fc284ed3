#pragma once

// Values that several commands read from their arguments. Pure.

#include "common/base/connector_ref.h"
#include "common/base/result.h"

#include <chrono>
#include <string_view>

namespace connector::cli {

// "90", "90s", "15m", "1h", "7d" in seconds. Fails for zero, for more than ten years and for other
// text.
[[nodiscard]] Result<std::chrono::seconds> ParseDuration(std::string_view text);

// "NAMESPACE/NAME", each a DNS label (RFC 1123). `what` names the argument in the error.
[[nodiscard]] Result<ConnectorRef> ParsePair(std::string_view text, std::string_view what);

}  // namespace connector::cli
