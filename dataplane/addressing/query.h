#pragma once

// Reads a query by allow-list into an Operation: keys are decoded, then compared; values are
// decoded, then validated.

#include "dataplane/addressing/target.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace connector::dataplane::addressing {

// `query` is what stands after '?'. Returns the error, or nullopt when all keys that this kind and
// method know are valid and each stands once (`tag` aside). All other keys are dropped.
// A key without a value is as absent, `ns` aside, but it stands once, too.
[[nodiscard]] std::optional<TargetError> ReadQuery(std::string_view query, Operation& operation);

// What Seal() of common/crypto writes: [A-Za-z0-9_-], at least one of them.
[[nodiscard]] bool IsSealedText(std::string_view text, std::size_t max_bytes);

// Does one of `keys` (lower case) stand in a query of the registry's own, in any spelling, or one
// that cannot be decoded? Whatever some server takes for a separator is one.
[[nodiscard]] bool MayHoldKey(std::string_view query, std::span<const std::string_view> keys);

}  // namespace connector::dataplane::addressing
