#pragma once

// The scalars of configuration files: what a plain word means, numbers, durations, and the names of
// enum values. Pure. An error's message says what is wrong and what to write instead.

#include "common/base/result.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace connector::config {

// True when a YAML reader may take the unquoted word for a number, a boolean or nothing (YAML 1.1
// and 1.2): such a word is not accepted as text, because readers disagree about it.
[[nodiscard]] bool IsAmbiguousPlain(std::string_view text);

// `true` or `false`.
[[nodiscard]] Result<bool> ParseBool(std::string_view text);

// Decimal digits, with a "-" where `lowest` is negative.
[[nodiscard]] Result<std::int64_t> ParseInteger(std::string_view text,
                                                std::int64_t lowest,
                                                std::int64_t highest);

// "250ms", "5s", "1m30s", "24h": whole numbers with units ns, us, ms, s, m, h, largest first.
[[nodiscard]] Result<std::chrono::nanoseconds> ParseDuration(std::string_view text);

// "TOKEN_AUTH" as files write it: "tokenAuth".
[[nodiscard]] std::string CamelCase(std::string_view upper_snake);

// The one of `known` nearest to `text`; empty when none is near enough to be meant.
[[nodiscard]] std::string Nearest(std::string_view text, const std::vector<std::string>& known);

}  // namespace connector::config
