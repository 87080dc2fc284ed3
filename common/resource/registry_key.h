#pragma once

// A key of "auths" in docker's configuration, and the repositories that it speaks of. Pure.
//
// As Kubernetes documents for the kubelet ("Configuration of the private registries"): HOST[:PORT],
// whose labels may have globs, and a path of whole components. Docker's own spellings are read too:
// a scheme, and "/v1/" or "/v2/" before the path.

#include <string>
#include <string_view>

namespace connector::resource {

struct RegistryKey {
  std::string host;  // host[:port] in lower case, without a default port. May have globs.
  std::string path;  // "team-a/app", without a slash at an end; empty for the whole registry.
};

[[nodiscard]] RegistryKey ParseRegistryKey(std::string_view key);

// Whether the key is of the registry host[:port]. Each label of the host matches by itself: "*" any
// text, "?" one character, "[a-z]" and "[^a-z]" one of a set; ports are equal. Each name of Docker
// Hub finds every other.
[[nodiscard]] bool IsOfRegistry(const RegistryKey& key, std::string_view registry);

// Whether the path of the key is the repository, or a prefix of whole components.
[[nodiscard]] bool Covers(const RegistryKey& key, std::string_view repository);

// True when `a` says more: a longer path, then a host without globs.
[[nodiscard]] bool IsMoreSpecific(const RegistryKey& a, const RegistryKey& b);

}  // namespace connector::resource
