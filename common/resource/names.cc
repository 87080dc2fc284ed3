#include "common/resource/names.h"

#include "common/oci/reference.h"

#include <algorithm>
#include <string>

namespace connector::resource {
namespace {

bool IsLowerAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

template <typename Check>
bool EveryPart(std::string_view text, char separator, Check check) {
  while (true) {
    const std::size_t end = text.find(separator);
    if (!check(text.substr(0, end))) {
      return false;
    }
    if (end == std::string_view::npos) {
      return true;
    }
    text.remove_prefix(end + 1);
  }
}

bool ComponentCanMatch(std::string_view component) {
  if (component == "**") {
    return true;
  }
  if (component.find("**") != std::string_view::npos) {
    return false;
  }
  // A letter for every "*" is the best filling there is: it may stand beside everything.
  std::string sample(component);
  std::replace(sample.begin(), sample.end(), '*', 'x');
  return oci::IsRepositoryComponent(sample);
}

}  // namespace

bool IsDnsLabel(std::string_view text) {
  return !text.empty() && text.size() <= 63 && IsLowerAlnum(text.front()) &&
         IsLowerAlnum(text.back()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return IsLowerAlnum(c) || c == '-'; });
}

bool IsDnsSubdomain(std::string_view text) {
  return text.size() <= 253 && EveryPart(text, '.', IsDnsLabel);
}

bool IsSecretKey(std::string_view text) {
  return !text.empty() && text.size() <= 253 && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return IsLowerAlnum(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
         });
}

bool PatternCanMatch(std::string_view pattern) {
  return pattern.size() <= oci::kMaxRepositoryBytes && EveryPart(pattern, '/', ComponentCanMatch);
}

}  // namespace connector::resource
