#pragma once

// Names of hosts as configurations list them: a DNS name, "*.SUFFIX" or an IP address. Pure.

#include <array>
#include <span>
#include <string>
#include <string_view>

namespace connector::routing {

// The canonical form (lower case, an IPv6 address without brackets); empty when `text` is no
// host: a port, a scheme and a path do not belong here.
[[nodiscard]] std::string ReadHostPattern(const std::string& text);

// "*.x" covers a.x and a.b.x, not x. `host` is canonical, as in http::Origin.
[[nodiscard]] bool IsListedHost(std::span<const std::string> patterns, std::string_view host);

// Three names of one registry; the first is the one that people write.
inline constexpr std::array<std::string_view, 3> kDockerHubHosts = {
    "docker.io", "index.docker.io", "registry-1.docker.io"};
[[nodiscard]] bool IsDockerHubHost(std::string_view host);
// Names that people take for the registry, and that serve pages for browsers.
[[nodiscard]] bool IsDockerHubWebSite(std::string_view host);

// The host[:port] of a mirror in the form that is compared: lower case, one name for Docker Hub,
// and no port where it is 443.
[[nodiscard]] std::string CanonicalMirrorHost(std::string_view text);

}  // namespace connector::routing
