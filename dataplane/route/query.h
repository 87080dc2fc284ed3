#pragma once

// Reads a query by allow-list into an Operation: keys are decoded, then compared; values are
// decoded, then validated. Private to ParseTarget.

#include "dataplane/route/target.h"

#include <optional>
#include <string_view>

namespace connector::dataplane::route {

// `query` is what stands after '?'. Returns the error, or nullopt when all keys that this kind and
// method know are valid and each stands once (`tag` aside). All other keys are dropped.
[[nodiscard]] std::optional<TargetError> ReadQuery(std::string_view query, Operation& operation);

}  // namespace connector::dataplane::route
