#include "broker/secrets/vault/path_policy.h"

#include <algorithm>

namespace connector::broker::secrets {
namespace {

constexpr std::string_view kOwnNamespace = "{namespace}";

std::vector<std::string_view> Segments(std::string_view path) {
  std::vector<std::string_view> out;
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos;
       slash = path.find('/')) {
    out.push_back(path.substr(0, slash));
    path.remove_prefix(slash + 1);
  }
  out.push_back(path);
  return out;
}

bool Contains(const std::vector<std::string>& list, std::string_view name) {
  return std::any_of(list.begin(), list.end(), [&](const std::string& entry) {
    return entry == "*" || entry == name;
  });
}

using Segment = std::vector<std::string_view>::const_iterator;

bool Matches(
    Segment pattern, Segment pattern_end, Segment path, Segment path_end, std::string_view ns) {
  for (; pattern != pattern_end; ++pattern, ++path) {
    if (path == path_end) {
      return false;
    }
    if (*pattern == "**") {
      // One segment or more; then the rest of the pattern, wherever it fits.
      for (Segment rest = path + 1;; ++rest) {
        if (Matches(pattern + 1, pattern_end, rest, path_end, ns)) {
          return true;
        }
        if (rest == path_end) {
          return false;
        }
      }
    }
    const std::string_view wanted = *pattern == kOwnNamespace ? ns : *pattern;
    if (*pattern != "*" && wanted != *path) {
      return false;
    }
  }
  return path == path_end;
}

bool PathMatches(std::string_view pattern, std::string_view path, std::string_view ns) {
  const std::vector<std::string_view> wanted = Segments(pattern);
  const std::vector<std::string_view> given = Segments(path);
  return Matches(wanted.begin(), wanted.end(), given.begin(), given.end(), ns);
}

}  // namespace

std::string PathPatternProblem(std::string_view pattern) {
  std::string plain;
  for (const std::string_view segment : Segments(pattern)) {
    const bool wild = segment == "*" || segment == "**" || segment == kOwnNamespace;
    plain.append(plain.empty() ? "" : "/").append(wild ? "x" : segment);
  }
  const std::string problem = resource::VaultPathProblem(plain);
  return problem.empty() ? problem
                         : problem + "; *, ** and {namespace} stand for whole segments only";
}

Result<Done> VaultPathPolicy::Check(const std::string& ns,
                                    const resource::VaultLocation& location) const {
  std::string problem = resource::VaultPathProblem(location.path);
  if (problem.empty()) {
    problem = resource::VaultNamespaceProblem(location.vault_namespace);
  }
  if (!problem.empty()) {
    return MakeError(
        ErrorCode::kInvalidArgument, ErrorOrigin::kBroker, "the path in Vault " + problem);
  }
  const std::string& in =
      location.vault_namespace.empty() ? own_namespace_ : location.vault_namespace;
  const auto allows = [&](const VaultPathRule& rule) {
    const bool namespace_fits =
        rule.vault_namespaces.empty() ? in == own_namespace_ : Contains(rule.vault_namespaces, in);
    return namespace_fits && Contains(rule.namespaces, ns) &&
           std::any_of(rule.paths.begin(), rule.paths.end(), [&](const std::string& pattern) {
             return PathMatches(pattern, location.path, ns);
           });
  };
  if (std::any_of(rules_.begin(), rules_.end(), allows)) {
    return Done{};
  }
  return MakeError(ErrorCode::kPermissionDenied,
                   ErrorOrigin::kBroker,
                   "Connectors of the namespace " + ns + " may not refer to " + location.path +
                       (in.empty() ? std::string() : " of the Vault namespace " + in) +
                       "; vault.paths of the broker's configuration does not allow it");
}

}  // namespace connector::broker::secrets
