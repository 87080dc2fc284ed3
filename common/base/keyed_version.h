#pragma once

// Keyed versions: text that says which content something was made from, and tells nothing of the
// content. It has one digest for each key that its maker has. So two makers agree when they have
// one key in common: while a key is being replaced, one has the new key already and another does
// not. Pure.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace connector {

inline constexpr char kVersionSeparator = '.';  // Digests are hexadecimal digits.

[[nodiscard]] inline std::string JoinVersions(const std::vector<std::string>& digests) {
  std::string out;
  for (const std::string& digest : digests) {
    out.append(out.empty() ? 0 : 1, kVersionSeparator).append(digest);
  }
  return out;
}

[[nodiscard]] inline std::vector<std::string_view> SplitVersions(std::string_view version) {
  std::vector<std::string_view> out;
  while (!version.empty()) {
    const std::size_t end = std::min(version.find(kVersionSeparator), version.size());
    out.push_back(version.substr(0, end));
    version.remove_prefix(std::min(end + 1, version.size()));
  }
  return out;
}

// Whether both are of the same content. Digests under different keys are never equal, so one in
// common is enough. Two empty ones are the same.
[[nodiscard]] inline bool SameVersion(std::string_view a, std::string_view b) {
  if (a == b) {
    return true;  // Always, but while a key is being replaced: this is on the hot path.
  }
  const std::vector<std::string_view> others = SplitVersions(b);
  const std::vector<std::string_view> own = SplitVersions(a);
  return std::find_first_of(own.begin(), own.end(), others.begin(), others.end()) != own.end();
}

}  // namespace connector
