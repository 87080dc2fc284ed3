#include "common/routing/connector_host.h"

#include "common/base/ascii.h"

#include <algorithm>

namespace connector::routing {
namespace {

constexpr std::size_t kMaxLabelBytes = 63;  // RFC 1035
constexpr std::size_t kMaxHostBytes = 253;

bool IsLowerAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// RFC 1123, as Kubernetes names namespaces and Services.
bool IsLabel(std::string_view text) {
  return !text.empty() && text.size() <= kMaxLabelBytes && IsLowerAlnum(text.front()) &&
         IsLowerAlnum(text.back()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return IsLowerAlnum(c) || c == '-'; });
}

// Takes the label before the next dot off the front. False when there is no dot.
bool TakeLabel(std::string_view& text, std::string_view& label) {
  const std::size_t at = text.find('.');
  if (at == std::string_view::npos) {
    return false;
  }
  label = text.substr(0, at);
  text.remove_prefix(at + 1);
  return true;
}

}  // namespace

std::vector<std::string> DefaultHostSuffixes() {
  return {"svc", "svc.cluster.local"};
}

bool IsHostSuffix(std::string_view text) {
  std::string_view label;
  while (TakeLabel(text, label)) {
    if (!IsLabel(label)) {
      return false;
    }
  }
  return IsLabel(text);
}

std::optional<ConnectorRef> ConnectorOfHost(std::string_view host,
                                            const std::vector<std::string>& host_suffixes) {
  const std::string lower = Lower(host.substr(0, host.find(':')));
  std::string_view rest = lower;
  if (rest.ends_with('.')) {
    rest.remove_suffix(1);
  }
  std::string_view label;
  std::string_view ns;
  if (!rest.starts_with("c-") || !TakeLabel(rest, label) || !TakeLabel(rest, ns) ||
      label.size() > kMaxLabelBytes || !IsLabel(label.substr(2)) || !IsLabel(ns) ||
      std::find(host_suffixes.begin(), host_suffixes.end(), rest) == host_suffixes.end()) {
    return std::nullopt;
  }
  return ConnectorRef{std::string(ns), std::string(label.substr(2))};
}

bool IsBelowSuffix(std::string_view host, const std::vector<std::string>& host_suffixes) {
  return host.size() <= kMaxHostBytes && IsHostSuffix(host) &&
         std::any_of(host_suffixes.begin(), host_suffixes.end(), [host](const auto& suffix) {
           return host.size() > suffix.size() + 1 && host.ends_with(suffix) &&
                  host[host.size() - suffix.size() - 1] == '.';
         });
}

}  // namespace connector::routing
