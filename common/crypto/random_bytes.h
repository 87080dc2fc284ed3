#pragma once

// Random bytes that nobody can guess: keys, nonces, names that must not collide.

#include <span>

namespace connector::crypto {

// Fills `out` from the operating system's generator, by way of OpenSSL. False when it has none to
// give; then `out` must not be used.
[[nodiscard]] bool FillRandomBytes(std::span<unsigned char> out);

}  // namespace connector::crypto
