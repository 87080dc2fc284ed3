#include "common/oci/reference.h"

#include <algorithm>

namespace connector::oci {
namespace {

bool IsLowerAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool IsAlpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsHex(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool IsLowerHex(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'f');
}

bool IsAlgorithm(std::string_view text) {
  bool at_start = true;
  for (const char c : text) {
    if (at_start) {
      if (!IsAlpha(c)) {
        return false;
      }
      at_start = false;
    } else if (c == '-' || c == '_' || c == '+' || c == '.') {
      at_start = true;
    } else if (!IsAlpha(c) && !IsDigit(c)) {
      return false;
    }
  }
  return !text.empty() && !at_start;
}

}  // namespace

bool IsRepositoryComponent(std::string_view text) {
  if (text.empty() || !IsLowerAlnum(text.front()) || !IsLowerAlnum(text.back())) {
    return false;
  }
  std::size_t i = 0;
  while (i < text.size()) {
    if (IsLowerAlnum(text[i])) {
      ++i;
      continue;
    }
    const std::size_t start = i;
    const char separator = text[i];
    while (i < text.size() && text[i] == separator) {
      ++i;
    }
    const std::size_t run = i - start;
    const bool legal =
        (separator == '.' && run == 1) || (separator == '_' && run <= 2) || separator == '-';
    if (!legal || !IsLowerAlnum(text[i])) {  // text.back() is alphanumeric, so text[i] exists.
      return false;
    }
  }
  return true;
}

bool IsRepository(std::string_view text) {
  if (text.empty() || text.size() > kMaxRepositoryBytes) {
    return false;
  }
  while (true) {
    const std::size_t slash = text.find('/');
    if (!IsRepositoryComponent(text.substr(0, slash))) {
      return false;
    }
    if (slash == std::string_view::npos) {
      return true;
    }
    text.remove_prefix(slash + 1);
  }
}

bool IsTag(std::string_view text) {
  if (text.empty() || text.size() > kMaxTagBytes || text[0] == '.' || text[0] == '-') {
    return false;
  }
  return std::all_of(text.begin(), text.end(), [](char c) {
    return IsAlpha(c) || IsDigit(c) || c == '_' || c == '.' || c == '-';
  });
}

bool IsDigest(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.size() > 256) {
    return false;
  }
  const std::string_view algorithm = text.substr(0, colon);
  const std::string_view hex = text.substr(colon + 1);
  if (algorithm == "sha256" || algorithm == "sha512") {
    return hex.size() == (algorithm == "sha256" ? 64U : 128U) &&
           std::all_of(hex.begin(), hex.end(), IsLowerHex);
  }
  return IsAlgorithm(algorithm) && hex.size() >= 32 && std::all_of(hex.begin(), hex.end(), IsHex);
}

std::string ActionSet::ToString() const {
  std::string out;
  const auto add = [&](Action action, std::string_view name) {
    if (Has(action)) {
      out.append(out.empty() ? "" : ",").append(name);
    }
  };
  add(Action::kPull, "pull");
  add(Action::kPush, "push");
  add(Action::kDelete, "delete");
  return out;
}

std::string Scope::ToString() const {
  return "repository:" + repository + ":" + actions.ToString();
}

}  // namespace connector::oci
