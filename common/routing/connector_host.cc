#include "common/routing/connector_host.h"

#include "common/base/ascii.h"

#include <algorithm>

namespace connector::routing {
namespace {

constexpr std::size_t kMaxLabelBytes = 63;  // RFC 1035
constexpr std::size_t kMaxHostBytes = 253;
constexpr std::size_t kMaxPortBytes = 5;
constexpr std::string_view kPrefix = "c-";
constexpr std::string_view kService = "svc";

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

bool IsLowerAlnum(char c) {
  return (c >= 'a' && c <= 'z') || IsDigit(c);
}

// RFC 1123, as Kubernetes names namespaces and Services.
bool IsLabel(std::string_view text) {
  return !text.empty() && text.size() <= kMaxLabelBytes && IsLowerAlnum(text.front()) &&
         IsLowerAlnum(text.back()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return IsLowerAlnum(c) || c == '-'; });
}

// Takes the label before the next dot off the front, or all that is left.
std::string_view TakeLabel(std::string_view& text) {
  const std::string_view label = text.substr(0, text.find('.'));
  text.remove_prefix(std::min(label.size() + 1, text.size()));
  return label;
}

// "" or ":" and digits, as RFC 3986 has it.
bool IsPort(std::string_view text) {
  return text.empty() ||
         (text.size() <= kMaxPortBytes + 1 && std::all_of(text.begin() + 1, text.end(), IsDigit));
}

// A host that is cut into "c-NAME", "NAMESPACE" and what follows. Not to be moved: the views are
// into its own text.
struct HostParts {
  std::string host;  // Lower case, without port and final dot.
  std::string_view first;
  std::string_view ns;
  std::string_view rest;
  bool bad_port = false;
};

void Split(std::string_view authority, HostParts& out) {
  const std::size_t colon = std::min(authority.find(':'), authority.size());
  out.bad_port = !IsPort(authority.substr(colon));
  out.host = Lower(authority.substr(0, colon));
  if (out.host.ends_with('.')) {
    out.host.pop_back();
  }
  out.rest = out.host;
  out.first = TakeLabel(out.rest);
  out.ns = TakeLabel(out.rest);
}

bool IsServiceDomain(std::string_view rest) {
  return rest == kService ||
         (rest.starts_with("svc.") && IsHostSuffix(rest.substr(kService.size() + 1)));
}

bool IsListed(const std::vector<std::string>& suffixes, std::string_view rest) {
  return std::find(suffixes.begin(), suffixes.end(), rest) != suffixes.end();
}

// Does c-NAME.NAMESPACE stand in front?
bool NamesConnector(const HostParts& parts) {
  return !parts.bad_port && parts.host.size() <= kMaxHostBytes &&
         parts.first.starts_with(kPrefix) && parts.first.size() <= kMaxLabelBytes &&
         IsLabel(parts.first.substr(kPrefix.size())) && IsLabel(parts.ns);
}

ConnectorRef RefOf(const HostParts& parts) {
  return {std::string(parts.ns), std::string(parts.first.substr(kPrefix.size()))};
}

bool HoldsLabel(std::string_view host, std::string_view label) {
  while (!host.empty()) {
    if (TakeLabel(host) == label) {
      return true;
    }
  }
  return false;
}

// Of a host that names none: what is to be told about it.
HostProblem ProblemOf(const HostParts& parts) {
  if (!parts.first.starts_with(kPrefix)) {
    return HoldsLabel(parts.host, kService) ? HostProblem::kNoPrefix : HostProblem::kForeign;
  }
  if (parts.host.size() > kMaxHostBytes) {
    return HostProblem::kTooLong;
  }
  if (parts.first == kPrefix) {
    return HostProblem::kNoName;
  }
  if (parts.bad_port || !IsHostSuffix(parts.host) || !IsLabel(parts.first.substr(kPrefix.size()))) {
    return HostProblem::kLabel;
  }
  if (parts.ns.empty() || (parts.ns == kService && !parts.rest.starts_with(kService))) {
    return HostProblem::kNoNamespace;
  }
  return HostProblem::kNoService;
}

}  // namespace

std::string_view Sentence(HostProblem problem) {
  switch (problem) {
    case HostProblem::kForeign:
      return "No connector is named; write HOST/namespaces/NAMESPACE/connectors/NAME/REPOSITORY.";
    case HostProblem::kNoPrefix:
      return "No connector is named; its host begins with c-, as in c-NAME.NAMESPACE.svc.";
    case HostProblem::kNoName:
      return "No connector is named; write its name behind c-, as in c-NAME.NAMESPACE.svc.";
    case HostProblem::kNoNamespace:
      return "No connector is named; write its namespace, too, as in c-NAME.NAMESPACE.svc.";
    case HostProblem::kNoService:
      return "No connector is named; write .svc behind its namespace, as in c-NAME.NAMESPACE.svc, "
             "or have the host's end added to hostSuffixes.";
    case HostProblem::kLabel:
      return "No connector is named; each part of its host has 1 to 63 of a-z, 0-9 and '-', which "
             "is not at an end, as in c-NAME.NAMESPACE.svc.";
    case HostProblem::kTooLong:
      return "No connector is named; a host has at most 253 characters.";
  }
  return {};
}

HostReading ReadConnectorHost(std::string_view host,
                              const std::vector<std::string>& host_suffixes) {
  HostParts parts;
  Split(host, parts);
  if (NamesConnector(parts) &&
      (IsServiceDomain(parts.rest) || IsListed(host_suffixes, parts.rest))) {
    return RefOf(parts);
  }
  return ProblemOf(parts);
}

bool IsHostSuffix(std::string_view text) {
  if (text.empty() || text.ends_with('.')) {
    return false;
  }
  while (!text.empty()) {
    if (!IsLabel(TakeLabel(text))) {
      return false;
    }
  }
  return true;
}

const std::vector<std::string>& ServiceSuffixes() {
  static const std::vector<std::string> suffixes = {"svc", "svc.local", "svc.cluster.local"};
  return suffixes;
}

std::vector<std::string> CertifiedSuffixes(const std::vector<std::string>& host_suffixes) {
  std::vector<std::string> out = ServiceSuffixes();
  for (const std::string& suffix : host_suffixes) {
    if (!IsListed(out, suffix)) {
      out.push_back(suffix);
    }
  }
  return out;
}

std::optional<ConnectorRef> ConnectorOfCertifiedHost(
    std::string_view host, const std::vector<std::string>& certified_suffixes) {
  HostParts parts;
  Split(host, parts);
  if (!NamesConnector(parts) || !IsListed(certified_suffixes, parts.rest)) {
    return std::nullopt;
  }
  return RefOf(parts);
}

bool IsBelowSuffix(std::string_view host, const std::vector<std::string>& host_suffixes) {
  return host.size() <= kMaxHostBytes && IsHostSuffix(host) &&
         std::any_of(host_suffixes.begin(), host_suffixes.end(), [host](const auto& suffix) {
           return host.size() > suffix.size() + 1 && host.ends_with(suffix) &&
                  host[host.size() - suffix.size() - 1] == '.';
         });
}

std::vector<std::string> NamesOfHost(const std::string& authority) {
  std::vector<std::string> names = {authority};
  const HostReading reading = ReadConnectorHost(authority, {});
  const auto* const ref = std::get_if<ConnectorRef>(&reading);
  if (ref == nullptr) {
    return names;
  }
  const std::string port = authority.substr(std::min(authority.find(':'), authority.size()));
  for (const std::string& suffix : ServiceSuffixes()) {
    std::string name = std::string(kPrefix) + ref->name + "." + ref->ns + "." + suffix + port;
    if (name.size() - port.size() <= kMaxHostBytes && name != authority) {
      names.push_back(std::move(name));
    }
  }
  return names;
}

}  // namespace connector::routing
