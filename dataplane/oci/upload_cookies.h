#pragma once

// The cookies by which a balancer keeps an upload on one node: what a registry sets on an upload's
// answers goes along with the next request of the same upload, sealed in its session, and to the
// origin that set it alone (docs/rules.md "Upload sessions"). No client and no redirect sees them.
//
// Pure. RFC 6265 as far as one upload needs it: Domain, Path, Secure, Max-Age and Expires are
// obeyed, and a cookie lives no longer than its session.

#include "common/http/head.h"
#include "common/http/origin.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace connector::dataplane::oci {

inline constexpr std::size_t kMaxUploadCookies = 8;
inline constexpr std::size_t kMaxUploadCookieBytes = 4 * 1024;

// The value of a Cookie field for the request at `next`: `sent`, as this function gave it, with
// what `answer` sets, replaces or removes. What is too much or malformed is left out. `now` in
// seconds since 1970.
[[nodiscard]] std::string CookiesAfter(std::string_view sent,
                                       const http::HeaderFields& answer,
                                       const http::Url& next,
                                       std::int64_t now);

// Is it a value that CookiesAfter can give? What was sealed may hold any bytes.
[[nodiscard]] bool IsCookieValue(std::string_view text);

}  // namespace connector::dataplane::oci
