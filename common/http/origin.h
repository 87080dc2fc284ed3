#pragma once

// Origin: scheme, host and port, the unit to which a credential is pinned (promise P5), and Url, an
// origin with a path and query. Pure: parses and compares, never resolves.
//
// One canonical form, so that comparing is safe: host in lower case, port always present, no user
// information, no fragment. Rule source: RFC 3986 section 3, narrowed.

#include "common/base/result.h"

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace connector::http {

struct Origin {
  bool tls = true;
  std::string host;  // Lower case; an IPv6 address without brackets.
  std::uint16_t port = 0;

  bool operator==(const Origin&) const = default;
  auto operator<=>(const Origin&) const = default;

  // "https://host[:port]", the default port left out.
  [[nodiscard]] std::string ToString() const;
  // "host[:port]" as a Host header wants it, the default port left out.
  [[nodiscard]] std::string Authority() const;
  [[nodiscard]] bool HostIsIpv6() const { return host.find(':') != std::string::npos; }
};

struct Url {
  Origin origin;
  std::string path;   // Starts with "/".
  std::string query;  // Without "?"; empty when absent.

  bool operator==(const Url&) const = default;

  [[nodiscard]] std::string Target() const { return query.empty() ? path : path + "?" + query; }
  [[nodiscard]] std::string ToString() const { return origin.ToString() + Target(); }
};

// Parses an absolute http or https URL.
//
// Fails with kInvalidArgument for: another scheme, user information, a fragment, an empty host or
// one outside [a-z0-9.-_] and IP literals, port 0 or over 65535, and any byte outside printable
// ASCII, backslash or white space anywhere. `origin` of the error is the caller's to set.
[[nodiscard]] Result<Url> ParseUrl(std::string_view text);

// The same, for an address: the path must be empty or "/", and there is no query.
[[nodiscard]] Result<Origin> ParseOrigin(std::string_view text);

// Resolves a Location or Link value against the URL that was asked (RFC 3986 section 5.2):
// absolute, scheme-relative, path-absolute, relative path, or query only. Dot segments are removed.
[[nodiscard]] Result<Url> ResolveReference(const Url& base, std::string_view reference);

}  // namespace connector::http
