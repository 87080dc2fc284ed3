#pragma once

// The claims of a JWT (RFC 7519): reading them, and the checks that hold for every issuer.
//
// Pure. Deliberately knows no signature: give it a payload that VerifyCompact returned. The
// exceptions say so in their names.

#include "common/base/clock.h"
#include "common/base/result.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace connector::jose {

// For nbf and iat, since two clocks differ. Deliberately not for exp: what a caller is given may
// live no longer than its token, and that is then never in the past.
inline constexpr std::chrono::seconds kClockLeeway{30};
inline constexpr std::int64_t kMaxNumericDate = 4'102'444'800;  // The year 2100.
inline constexpr std::size_t kMaxAudiences = 64;

struct Claims {
  std::string issuer;
  std::string subject;
  std::vector<std::string> audiences;
  std::optional<WallTime> expires_at;
  std::optional<WallTime> not_before;
  std::optional<WallTime> issued_at;
  // Every top-level claim that is a string, a number or a boolean, as text; 1.5e1 reads "15". Of
  // one that is a list, each such element.
  std::multimap<std::string, std::string> texts;
};

// Fails with kUnauthenticated when the payload is not one JSON object (limits: json_members.h),
// repeats a claim, lacks iss or sub or has one that is empty or holds a control character, has an
// aud that is neither a string nor a list of strings, or a time that is not a number of
// seconds from 0 to kMaxNumericDate. Fractions of a second are cut off.
[[nodiscard]] Result<Claims> ParseClaims(std::string_view payload);

struct ExpectedClaims {
  std::string_view issuer;
  std::string_view audience;
};

// Fails with kUnauthenticated, one message per check, unless iss is exactly the expected one, aud
// contains the expected one, exp is there and after `now`, and neither nbf nor iat is more than
// kClockLeeway after `now`.
[[nodiscard]] Result<Done> CheckClaims(const Claims& claims, ExpectedClaims expected, WallTime now);

// The iss of a token whose signature nobody has checked: good for choosing who checks it, and for
// nothing else. Fails with kUnauthenticated like ParseClaims.
[[nodiscard]] Result<std::string> UnverifiedIssuer(std::string_view token);

// The claims of a token whose signature nobody has checked: good for refusing it before somebody is
// asked who checks it, for not keeping it longer than its exp, and for nothing else. Fails with
// kUnauthenticated like ParseClaims.
[[nodiscard]] Result<Claims> UnverifiedClaims(std::string_view token);

}  // namespace connector::jose
