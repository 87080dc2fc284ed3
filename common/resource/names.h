#pragma once

// The names that Kubernetes gives to things, and where a Connector's names end up. Pure.
// Rule source: RFC 1123 section 2.1 as Kubernetes narrows it.

#include <cstddef>
#include <string_view>

namespace connector::resource {

// A Connector is served under the host name c-NAME, which is one label.
inline constexpr std::size_t kMaxConnectorNameBytes = 63 - 2;

// `[a-z0-9]([-a-z0-9]*[a-z0-9])?`, at most 63 bytes: namespaces.
[[nodiscard]] bool IsDnsLabel(std::string_view text);
// Labels joined by ".", at most 253 bytes: service accounts, Secrets.
[[nodiscard]] bool IsDnsSubdomain(std::string_view text);

// `[-._a-zA-Z0-9]+`, at most 253 bytes, and neither "." nor "..": keys of Secrets.
[[nodiscard]] bool IsSecretKey(std::string_view text);

// True when some repository name can match `pattern`: components joined by "/", each "**", or text
// of a repository component in which "*" stands for a part.
[[nodiscard]] bool PatternCanMatch(std::string_view pattern);

}  // namespace connector::resource
