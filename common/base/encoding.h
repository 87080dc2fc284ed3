#pragma once

// Base64 (RFC 4648 sections 4 and 5) and lower-case hexadecimal. Pure.

#include <optional>
#include <string>
#include <string_view>

namespace connector {

[[nodiscard]] std::string HexEncode(std::string_view bytes);

[[nodiscard]] std::string Base64Encode(std::string_view bytes);     // Standard alphabet, padded.
[[nodiscard]] std::string Base64UrlEncode(std::string_view bytes);  // URL alphabet, no padding.

// Strict: nullopt for a character outside the alphabet, white space, wrong padding, or bits left
// over. Base64Decode wants padding; Base64UrlDecode refuses it.
[[nodiscard]] std::optional<std::string> Base64Decode(std::string_view text);
[[nodiscard]] std::optional<std::string> Base64UrlDecode(std::string_view text);

}  // namespace connector
