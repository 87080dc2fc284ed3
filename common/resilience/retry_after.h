#pragma once

// How long another side asks to be left alone: the Retry-After field (RFC 9110 section 10.2.3).
// Pure.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace connector::resilience {

struct RetryAfterOptions {
  std::chrono::seconds longest{3600};  // What is longer counts as this.
  // Seconds since 1970, to read an HTTP date too. Without it a date is as if it were not there.
  std::optional<std::int64_t> now_unix = {};
};

// Nullopt when `text` is neither a number nor, where those are read, a date. A date that is over is
// zero.
[[nodiscard]] std::optional<std::chrono::seconds> ReadRetryAfter(const std::string& text,
                                                                 const RetryAfterOptions& options);

// From `least` to half as much again: never sooner than asked, and not all at once. `random` is in
// [0, 1).
[[nodiscard]] inline std::chrono::milliseconds SpreadAfter(std::chrono::milliseconds least,
                                                           double random) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(least * (1 + random / 2));
}

}  // namespace connector::resilience
