#pragma once

// A random fraction for jitter. For nothing else: it can be guessed. What must not be guessed is
// made by common/crypto/random_bytes.h.

namespace connector::resilience {

// In [0, 1). Any thread.
[[nodiscard]] double RandomFraction();

}  // namespace connector::resilience
