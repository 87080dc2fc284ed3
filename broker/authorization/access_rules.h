#pragma once

// Decides whether a caller may do something in a repository. Pure: a function of the access rules.
// Deny by default (docs/promises.md P3); the decision names the rule that matched, and audit writes
// it. Deliberately does not verify anyone: it takes a Caller, which only a verifier can make.

#include "broker/callers/caller_verifier.h"
#include "common/oci/reference.h"
#include "common/resource/connector.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace connector::broker::authorization {

struct AccessDecision {
  bool allowed = false;
  // False when no rule names the caller at all: to the client the connector then looks absent.
  bool caller_known = false;
  // "access[2]" of each scope's rule, comma-separated; empty when denied, or where RBAC decides.
  std::string rule;
  std::string reason;  // For the log, audit and `connectorctl explain`.

  bool operator==(const AccessDecision&) const = default;
};

// True when `pattern` ("team-a/**", "*/app") covers `repository`. "*" is one whole component or a
// part of one, "**" any number of whole components, at least one.
[[nodiscard]] bool RepositoryMatches(std::string_view pattern, std::string_view repository);

// What a Connector without any access rule means.
enum class NoRules : std::uint8_t {
  kNobody,     // Of a broker that knows no cluster.
  kRbacAlone,  // The cluster's RBAC decides, by its verbs, for every repository.
};

// All scopes must be allowed, each by one rule that has all of its actions. With no scopes,
// `allowed` says whether any rule speaks of the caller.
[[nodiscard]] AccessDecision Evaluate(const resource::Connector& connector,
                                      const callers::Caller& caller,
                                      const std::vector<oci::Scope>& scopes,
                                      NoRules no_rules = NoRules::kNobody);

// The message for a denied client: names connector, repository and action, and what to request.
[[nodiscard]] std::string DenialSentence(const resource::Connector& connector,
                                         const std::vector<oci::Scope>& scopes);

// The same where RBAC lacks `verb` on connectors/proxy.
[[nodiscard]] std::string VerbSentence(const ConnectorRef& connector,
                                       const std::vector<oci::Scope>& scopes,
                                       std::string_view verb);

}  // namespace connector::broker::authorization
