#include "broker/authorization/access_rules.h"

#include <algorithm>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace connector::broker::authorization {
namespace {

using Components = std::vector<std::string_view>;

Components SplitComponents(std::string_view text) {
  Components components;
  while (true) {
    const std::size_t slash = text.find('/');
    components.push_back(text.substr(0, slash));
    if (slash == std::string_view::npos) {
      return components;
    }
    text.remove_prefix(slash + 1);
  }
}

// "*" is any run of characters. Backtracking to the last star is enough, because that star can
// match whatever an earlier one could. So there are at most |pattern| * |text| steps.
bool ComponentMatches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::optional<std::size_t> star;
  std::size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star) {
      p = *star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

// The caller's account in the cluster that a rule means; null when it has none there.
const callers::ServiceAccount* AccountIn(const std::string& issuer, const callers::Caller& caller) {
  if (!issuer.empty() && caller.issuer != issuer) {
    return nullptr;
  }
  if (caller.service_account) {
    return &*caller.service_account;
  }
  return issuer.empty() || !caller.other_cluster_account ? nullptr : &*caller.other_cluster_account;
}

bool Speaks(const resource::ServiceAccountMatch& match, const callers::Caller& caller) {
  const callers::ServiceAccount* const account = AccountIn(match.issuer, caller);
  return account != nullptr && account->ns == match.ns && account->name == match.name;
}

bool Speaks(const resource::NamespaceMatch& match, const callers::Caller& caller) {
  const callers::ServiceAccount* const account = AccountIn(match.issuer, caller);
  return account != nullptr && account->ns == match.ns;
}

bool Speaks(const resource::OidcMatch& match, const callers::Caller& caller) {
  // A rule without claims would match every subject of the issuer.
  return !match.claims.empty() && caller.issuer == match.issuer &&
         std::all_of(match.claims.begin(), match.claims.end(), [&](const auto& wanted) {
           const auto [first, last] = caller.claims.equal_range(wanted.first);
           return std::any_of(
               first, last, [&](const auto& has) { return has.second == wanted.second; });
         });
}

bool SpeaksOf(const resource::AccessRule& rule, const callers::Caller& caller) {
  return std::any_of(rule.from.begin(), rule.from.end(), [&](const auto& subject) {
    return std::visit([&](const auto& match) { return Speaks(match, caller); }, subject);
  });
}

bool Covers(const resource::AccessRule& rule, std::string_view repository) {
  return std::any_of(
      rule.repositories.begin(), rule.repositories.end(), [&](const std::string& pattern) {
        return RepositoryMatches(pattern, repository);
      });
}

oci::ActionSet Missing(oci::ActionSet asked, oci::ActionSet given) {
  oci::ActionSet missing;
  for (const oci::Action action : {oci::Action::kPull, oci::Action::kPush, oci::Action::kDelete}) {
    if (asked.Has(action) && !given.Has(action)) {
      missing.Add(action);
    }
  }
  return missing;
}

std::string RuleName(std::size_t index) {
  return "access[" + std::to_string(index) + "]";
}

struct ScopeDecision {
  std::optional<std::size_t> rule;
  std::string reason;
};

ScopeDecision EvaluateScope(const std::vector<resource::AccessRule>& rules,
                            const std::vector<std::size_t>& speaking,
                            const oci::Scope& scope) {
  if (scope.actions.empty()) {
    return {std::nullopt, "no action asked for in " + scope.repository};
  }
  std::string lacking;
  for (const std::size_t index : speaking) {
    const resource::AccessRule& rule = rules[index];
    if (!Covers(rule, scope.repository)) {
      continue;
    }
    if (rule.actions.Contains(scope.actions)) {
      return {index, RuleName(index) + " allows " + scope.ToString()};
    }
    lacking += (lacking.empty() ? "" : "; ") + RuleName(index) + " covers " + scope.repository +
               " but lacks " + Missing(scope.actions, rule.actions).ToString();
  }
  if (lacking.empty()) {
    lacking = "no rule for this caller covers " + scope.repository;
  }
  return {std::nullopt, std::move(lacking)};
}

AccessDecision WithoutRules(const std::vector<oci::Scope>& scopes) {
  AccessDecision decision{true, true, {}, "the connector has no access rules"};
  for (const oci::Scope& scope : scopes) {
    if (scope.actions.empty()) {
      decision.allowed = false;
      decision.reason = "no action asked for in " + scope.repository;
    }
  }
  return decision;
}

void AppendWith(std::string& text, std::string_view separator, std::string_view more) {
  if (!text.empty()) {
    text += separator;
  }
  text += more;
}

std::string AskedFor(const std::vector<oci::Scope>& scopes) {
  std::string asked;
  for (const oci::Scope& scope : scopes) {
    AppendWith(asked, " and ", scope.actions.ToString() + " on repository " + scope.repository);
  }
  return asked;
}

}  // namespace

bool RepositoryMatches(std::string_view pattern, std::string_view repository) {
  if (!oci::IsRepository(repository)) {
    return false;  // No pattern covers an invalid name: "a//b", "a/../b", "".
  }
  const Components patterns = SplitComponents(pattern);
  const Components names = SplitComponents(repository);
  // reached[n]: the patterns so far cover exactly the first n components.
  std::vector<bool> reached(names.size() + 1, false);
  reached[0] = true;
  for (const std::string_view each : patterns) {
    std::vector<bool> next(names.size() + 1, false);
    for (std::size_t n = 0; n < names.size(); ++n) {
      next[n + 1] =
          each == "**" ? reached[n] || next[n] : reached[n] && ComponentMatches(each, names[n]);
    }
    reached = std::move(next);
  }
  return reached[names.size()];
}

AccessDecision Evaluate(const resource::Connector& connector,
                        const callers::Caller& caller,
                        const std::vector<oci::Scope>& scopes,
                        NoRules no_rules) {
  if (connector.access.empty() && no_rules == NoRules::kRbacAlone) {
    return WithoutRules(scopes);
  }
  std::vector<std::size_t> speaking;
  for (std::size_t i = 0; i < connector.access.size(); ++i) {
    if (SpeaksOf(connector.access[i], caller)) {
      speaking.push_back(i);
    }
  }
  AccessDecision decision;
  if (speaking.empty()) {
    decision.reason = "no rule speaks of " + caller.Name();
    return decision;
  }
  decision.caller_known = true;
  if (scopes.empty()) {
    decision.allowed = true;
    decision.rule = RuleName(speaking.front());
    decision.reason = decision.rule + " speaks of " + caller.Name();
    return decision;
  }
  std::string denials;
  for (const oci::Scope& scope : scopes) {
    const ScopeDecision decided = EvaluateScope(connector.access, speaking, scope);
    if (decided.rule) {
      AppendWith(decision.rule, ",", RuleName(*decided.rule));
      AppendWith(decision.reason, "; ", decided.reason);
    } else {
      AppendWith(denials, "; ", decided.reason);
    }
  }
  decision.allowed = denials.empty();
  if (!decision.allowed) {
    decision.rule.clear();
    decision.reason = std::move(denials);
  }
  return decision;
}

std::string VerbSentence(const ConnectorRef& connector,
                         const std::vector<oci::Scope>& scopes,
                         std::string_view verb) {
  return "Connector " + connector.ToString() + " does not give you " + AskedFor(scopes) +
         ". Ask its owner for the verb " + std::string(verb) + " on connectors/proxy.";
}

std::string DenialSentence(const resource::Connector& connector,
                           const std::vector<oci::Scope>& scopes) {
  std::string wanted;
  for (const oci::Scope& scope : scopes) {
    AppendWith(wanted,
               "; ",
               "repository " + scope.repository + " with actions " + scope.actions.ToString());
  }
  if (scopes.empty()) {
    return "You may not use connector " + connector.ref.ToString() +
           ". Ask its owner for a rule under spec.access that names you.";
  }
  return "Connector " + connector.ref.ToString() + " does not give you " + AskedFor(scopes) +
         ". Ask its owner for a rule under spec.access that gives you: " + wanted + ".";
}

}  // namespace connector::broker::authorization
