#include "broker/api/peer_names.h"

#include "common/base/input_error.h"

#include <algorithm>

namespace connector::broker::api {
namespace {

constexpr std::string_view kScheme = "spiffe://";
constexpr std::string_view kAnyComponent = "/*";

bool IsComponent(std::string_view text) {
  return !text.empty() && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
         });
}

// A domain and a path: with the domain alone every identity of it would be meant.
bool HasPath(std::string_view prefix) {
  if (!prefix.starts_with(kScheme)) {
    return false;
  }
  prefix.remove_prefix(kScheme.size());
  std::size_t components = 0;
  for (std::size_t end = 0; end != std::string_view::npos; ++components) {
    end = prefix.find('/');
    if (!IsComponent(prefix.substr(0, end))) {
      return false;
    }
    prefix.remove_prefix(end == std::string_view::npos ? prefix.size() : end + 1);
  }
  return components > 1;
}

}  // namespace

Result<Done> CheckPeerEntry(std::string_view entry) {
  if (entry.find('*') == std::string_view::npos) {
    return Done{};
  }
  if (!entry.ends_with(kAnyComponent) ||
      !HasPath(entry.substr(0, entry.size() - kAnyComponent.size()))) {
    return InvalidInput(
        "has a * elsewhere than in spiffe://DOMAIN/PATH/*; write that, or whole names");
  }
  return Done{};
}

bool NamesPeer(std::string_view entry, std::string_view name) {
  if (!entry.ends_with(kAnyComponent)) {
    return entry == name;
  }
  const std::string_view prefix = entry.substr(0, entry.size() - 1);  // With its slash.
  return name.starts_with(prefix) && IsComponent(name.substr(prefix.size()));
}

}  // namespace connector::broker::api
