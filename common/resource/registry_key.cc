#include "common/resource/registry_key.h"

#include "common/base/ascii.h"
#include "common/routing/host_pattern.h"

#include <algorithm>
#include <optional>
#include <tuple>

namespace connector::resource {
namespace {

constexpr std::string_view kGlobs = "*?[";

std::string_view WithoutDefaultPort(std::string_view host) {
  for (const std::string_view port : {":443", ":80"}) {
    if (host.ends_with(port)) {
      host.remove_suffix(port.size());
      break;
    }
  }
  return host;
}

// Reads one element of a pattern at `pattern`, removes it, and says whether it is `c`. nullopt: the
// set is not closed.
std::optional<bool> TakeElement(std::string_view& pattern, char c) {
  const char first = pattern.front();
  if (first != '[') {
    pattern.remove_prefix(1);
    return first == '?' || first == c;
  }
  const std::size_t negated =
      pattern.size() > 1 && (pattern[1] == '^' || pattern[1] == '!') ? 1 : 0;
  const std::size_t begin = 1 + negated;
  const std::size_t end = pattern.find(']', begin + 1);
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view set = pattern.substr(begin, end - begin);
  bool found = false;
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (i + 2 < set.size() && set[i + 1] == '-') {
      found = found || (set[i] <= c && c <= set[i + 2]);
      i += 2;
    } else {
      found = found || set[i] == c;
    }
  }
  pattern.remove_prefix(end + 1);
  return found != (negated == 1);
}

// One label. Returns only to the last "*", so the time is bounded by the product of the lengths:
// whoever writes the Secret chooses the pattern.
bool MatchesLabel(std::string_view pattern, std::string_view label) {
  std::optional<std::string_view> after_star;
  std::string_view retry;
  while (!label.empty() || !pattern.empty()) {
    if (pattern.starts_with('*')) {
      pattern.remove_prefix(1);
      after_star = pattern;
      retry = label;
      continue;
    }
    if (!pattern.empty() && !label.empty()) {
      const std::optional<bool> same = TakeElement(pattern, label.front());
      if (!same) {
        return false;
      }
      if (*same) {
        label.remove_prefix(1);
        continue;
      }
    }
    if (!after_star || retry.empty()) {
      return false;
    }
    retry.remove_prefix(1);
    label = retry;
    pattern = *after_star;
  }
  return true;
}

// Removes the part before `separator`, and returns it.
std::string_view TakeUntil(std::string_view& text, char separator) {
  const std::size_t at = std::min(text.find(separator), text.size());
  const std::string_view out = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return out;
}

bool MatchesHost(std::string_view pattern, std::string_view host) {
  if (pattern == host) {
    return true;
  }
  // An address in brackets is no set of characters.
  if (pattern.find_first_of(kGlobs) == std::string_view::npos || host.starts_with('[')) {
    return false;
  }
  std::string_view pattern_name = pattern.substr(0, pattern.rfind(':'));
  std::string_view host_name = host.substr(0, host.rfind(':'));
  if (pattern.substr(pattern_name.size()) != host.substr(host_name.size()) ||
      std::count(pattern_name.begin(), pattern_name.end(), '.') !=
          std::count(host_name.begin(), host_name.end(), '.')) {
    return false;
  }
  while (!host_name.empty()) {
    if (!MatchesLabel(TakeUntil(pattern_name, '.'), TakeUntil(host_name, '.'))) {
      return false;
    }
  }
  return pattern_name.empty();
}

auto RankOf(const RegistryKey& key) {
  const bool exact = key.host.find_first_of(kGlobs) == std::string::npos;
  const auto slashes = std::count(key.path.begin(), key.path.end(), '/');
  return std::tuple(key.path.empty() ? -1 : slashes, exact);
}

}  // namespace

RegistryKey ParseRegistryKey(std::string_view key) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (key.starts_with(scheme)) {
      key.remove_prefix(scheme.size());
      break;
    }
  }
  const std::string host = Lower(TakeUntil(key, '/'));
  for (const std::string_view version : {"v1", "v2"}) {
    if (key == version || (key.starts_with(version) && key[version.size()] == '/')) {
      key.remove_prefix(std::min(version.size() + 1, key.size()));
      break;
    }
  }
  while (key.ends_with('/')) {
    key.remove_suffix(1);
  }
  return {std::string(WithoutDefaultPort(host)), std::string(key)};
}

bool IsOfRegistry(const RegistryKey& key, std::string_view registry) {
  const std::string_view wanted = WithoutDefaultPort(registry);
  return MatchesHost(key.host, wanted) ||
         (routing::IsDockerHubHost(key.host) && routing::IsDockerHubHost(wanted));
}

bool Covers(const RegistryKey& key, std::string_view repository) {
  return key.path.empty() ||
         (repository.starts_with(key.path) &&
          (repository.size() == key.path.size() || repository[key.path.size()] == '/'));
}

bool IsMoreSpecific(const RegistryKey& a, const RegistryKey& b) {
  return RankOf(a) > RankOf(b);
}

}  // namespace connector::resource
