#pragma once

// SHA-256, HMAC and HKDF over OpenSSL's EVP. Pure. Deliberately offers one hash only, so that two
// brokers cannot disagree about a digest.
//
// None of these fails for any input within the limits below; when OpenSSL itself cannot work
// (memory, a broken provider) they throw std::runtime_error.

#include "common/base/secret.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace connector::crypto {

inline constexpr std::size_t kSha256Bytes = 32;
inline constexpr std::size_t kMaxHkdfBytes = 255 * kSha256Bytes;  // RFC 5869 section 2.3.

// 32 bytes, not text.
[[nodiscard]] std::string Sha256(std::string_view bytes);
// 64 lower-case hexadecimal digits.
[[nodiscard]] std::string Sha256Hex(std::string_view bytes);

// 32 bytes, not text (RFC 2104).
[[nodiscard]] std::string HmacSha256(std::string_view key, std::string_view bytes);

// Derives `size` bytes (1 to kMaxHkdfBytes) for one purpose from a root key (RFC 5869, no salt).
// `info` names the purpose: keys of different purposes tell nothing about each other.
[[nodiscard]] Secret HkdfSha256(std::string_view root_key, std::string_view info, std::size_t size);

}  // namespace connector::crypto
