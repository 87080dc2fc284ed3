#pragma once

// Reads the caller's own token out of an Authorization field: the password of Basic (any user
// name), or a Bearer token. Pure; verifies nothing, that is the broker's.

#include "common/base/secret.h"

#include <cstddef>
#include <optional>
#include <string_view>

namespace connector::dataplane::server {

inline constexpr std::size_t kMaxCallerTokenBytes = 16 * 1024;

// nullopt for an absent, unknown or malformed credential, an empty password (some clients send
// "Og==", an empty user and password), one that is too long, or one with a byte outside printable
// ASCII: the answer to all of them is 401.
[[nodiscard]] std::optional<Secret> ReadCallerToken(std::string_view authorization);

}  // namespace connector::dataplane::server
