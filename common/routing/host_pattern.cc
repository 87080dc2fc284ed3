#include "common/routing/host_pattern.h"

#include "common/base/ascii.h"
#include "common/http/origin.h"

#include <algorithm>

namespace connector::routing {

std::string ReadHostPattern(const std::string& text) {
  std::string_view host = text;
  std::string prefix;
  if (host.starts_with("*.")) {
    prefix = "*.";
    host.remove_prefix(2);
  }
  const bool bare_ipv6 = prefix.empty() && host.find(':') != std::string_view::npos &&
                         !host.starts_with('[') && host.find(':') != host.rfind(':');
  const std::string authority = bare_ipv6 ? "[" + std::string(host) + "]" : std::string(host);
  // Only a host: what ParseOrigin would take for a port or a path does not belong here.
  const bool has_port = !authority.starts_with('[') ? authority.find(':') != std::string::npos
                                                    : !authority.ends_with(']');
  const Result<http::Origin> origin = http::ParseOrigin("https://" + authority);
  const bool named = !authority.empty() && authority.find_first_of("/?") == std::string::npos;
  if (!origin || has_port || !named || (!prefix.empty() && origin->HostIsIpv6())) {
    return {};
  }
  return prefix + origin->host;
}

bool IsListedHost(std::span<const std::string> patterns, std::string_view host) {
  return std::any_of(patterns.begin(), patterns.end(), [&](std::string_view pattern) {
    if (!pattern.starts_with("*.")) {
      return pattern == host;
    }
    pattern.remove_prefix(1);
    return host.size() > pattern.size() && host.ends_with(pattern);
  });
}

bool IsDockerHubHost(std::string_view host) {
  return std::find(kDockerHubHosts.begin(), kDockerHubHosts.end(), host) != kDockerHubHosts.end();
}

bool IsDockerHubWebSite(std::string_view host) {
  return host == "docker.io" || host == "hub.docker.com" || host == "www.docker.com" ||
         host == "docker.com";
}

std::string CanonicalMirrorHost(std::string_view text) {
  std::string host = Lower(text);
  if (host.ends_with(":443") && host.find(':') == host.size() - 4) {
    host.resize(host.size() - 4);
  }
  return IsDockerHubHost(host) ? std::string(kDockerHubHosts.front()) : host;
}

}  // namespace connector::routing
