#pragma once

// Reads what a distribution token service answers to a token request, and decides how long the
// token may be used. Pure: no I/O; the time is an argument. Deliberately believes nothing else in
// the answer: not issued_at (clocks differ), not scope, not refresh_token (none is asked for).
// Rule source: docs/rules.md "Token life"; distribution token.md and oauth.md.

#include "broker/upstream_auth/minter.h"

#include <chrono>
#include <cstddef>
#include <string_view>

namespace connector::broker::upstream_auth {

inline constexpr std::size_t kMaxTokenAnswerBytes = 64 * 1024;
inline constexpr std::chrono::seconds kDefaultLife{60};  // When expires_in is missing.
// A longer expires_in is absurd for a token that is made for one repository; the longest seen in
// the field is 12 h.
inline constexpr std::chrono::hours kLongestLife{24};

// The bearer token in the JSON object `body`, received at `now`.
//
// `token` or `access_token`, which must be equal when both are there. Life is expires_in, a number
// or a numeric string, and at most what an `exp` in a JWT's payload leaves (read, not verified).
// Zero, negative, over kLongestLife or not a number: single_use. Null counts as missing.
//
// Fails with kInvalidArgument/kUpstream when the body is larger than kMaxTokenAnswerBytes, is not a
// JSON object, names no token or two, or a token of other bytes than visible ASCII, so that it
// cannot break out of a header. The message completes "the token service of X ...".
[[nodiscard]] Result<UpstreamToken> ReadTokenAnswer(std::string_view body, WallTime now);

}  // namespace connector::broker::upstream_auth
