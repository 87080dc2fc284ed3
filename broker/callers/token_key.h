#pragma once

// What a token is remembered by: the SHA-256 of all of it, 32 bytes. Never a part of it: who could
// make two tokens with one key would be taken for somebody else.

#include "broker/callers/caller_verifier.h"

#include <string>
#include <string_view>

namespace connector::broker::callers {

[[nodiscard]] std::string TokenKey(std::string_view token);
[[nodiscard]] std::string TokenKey(const UnverifiedToken& token);

}  // namespace connector::broker::callers
