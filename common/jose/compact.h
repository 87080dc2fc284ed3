#pragma once

// Splits the compact form into its parts. Internal to common/jose; checks no signature, so all that
// it returns is what a stranger said.

#include "common/base/result.h"

#include <string>
#include <string_view>

namespace connector::jose {

struct CompactParts {
  std::string header;     // Decoded.
  std::string payload;    // Decoded.
  std::string signature;  // Decoded.
};

// Fails with kUnauthenticated when `token` is over kMaxJwsBytes or is not exactly three parts of
// base64url in its one canonical spelling. An empty part is refused too: no token here has one.
[[nodiscard]] Result<CompactParts> SplitCompact(std::string_view token);

// The error of a token that is not to be accepted.
[[nodiscard]] Error BadToken(std::string why);

}  // namespace connector::jose
