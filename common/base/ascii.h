#pragma once

// Lower case of ASCII letters only: host names, schemes and field names, where the C library's
// locale must not have a say. Pure.

#include <algorithm>
#include <string>
#include <string_view>

namespace connector {

[[nodiscard]] inline char ToLower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

[[nodiscard]] inline std::string Lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), ToLower);
  return out;
}

}  // namespace connector
