#pragma once

// The cache key of a token: the SHA-256 of the whole token, 32 bytes. A key made of a part would
// let anyone who can make two tokens with one key act as another caller.

#include "broker/callers/caller_verifier.h"

#include <string>
#include <string_view>

namespace connector::broker::callers {

[[nodiscard]] std::string TokenKey(std::string_view token);
[[nodiscard]] std::string TokenKey(const UnverifiedToken& token);

}  // namespace connector::broker::callers
