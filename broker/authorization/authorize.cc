#include "broker/authorization/authorize.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace connector::broker::authorization {

// What RBAC says of one connector and of all that the request does there.
struct VerbRights {
  std::optional<oci::Action> missing;  // The first one that the caller needs and has not.
  bool visible = true;                 // False: the connector must look absent.
  std::string reason;                  // The API server's, of the answer that decided.
  WallTime asked_at = WallTime::max();
};

namespace {

constexpr std::array kActions = {oci::Action::kPull, oci::Action::kPush, oci::Action::kDelete};

std::vector<oci::Action> ActionsOf(const std::vector<oci::Scope>& scopes) {
  std::vector<oci::Action> actions;
  for (const oci::Action action : kActions) {
    if (std::any_of(scopes.begin(), scopes.end(), [&](const oci::Scope& scope) {
          return scope.actions.Has(action);
        })) {
      actions.push_back(action);
    }
  }
  // Without scopes: whether the caller may use the connector at all.
  return actions.empty() ? std::vector{oci::Action::kPull} : actions;
}

// Asks for the verb of each action until one is missing: a right to one says nothing of the others.
// A caller who may `get` may know that the connector exists.
Task<Result<VerbRights>> AskRights(AccessReviewer* reviewer,
                                   AccessQuestion question,
                                   std::vector<oci::Action> needed,
                                   Deadline deadline) {
  VerbRights rights;
  for (const oci::Action action : needed) {
    question.action = action;
    const auto answer = co_await reviewer->MayUse(question, deadline);
    if (!answer) {
      co_return answer.error();
    }
    rights.asked_at = std::min(rights.asked_at, answer->asked_at);
    rights.reason = answer->reason;
    if (!answer->allowed) {
      rights.missing = action;
      break;
    }
  }
  if (!rights.missing) {
    co_return rights;
  }
  rights.visible = needed.front() == oci::Action::kPull && rights.missing != oci::Action::kPull;
  if (needed.front() != oci::Action::kPull) {
    question.action = oci::Action::kPull;
    const auto answer = co_await reviewer->MayUse(question, deadline);
    if (!answer) {
      co_return answer.error();
    }
    rights.visible = answer->allowed;
  }
  co_return rights;
}

std::string Because(const std::string& reason) {
  return reason.empty() ? "" : ": " + reason;
}

std::string Unpermitted(const callers::Caller& caller,
                        const ConnectorRef& connector,
                        const VerbRights& rights) {
  return "RBAC does not let " + caller.Name() + " " + std::string(VerbOf(*rights.missing)) +
         " connectors/proxy " + connector.ToString() + Because(rights.reason);
}

RankedConnector Permitted(RankedConnector choice,
                          const std::vector<oci::Action>& needed,
                          const std::string& reason) {
  std::string verbs;
  for (const oci::Action action : needed) {
    verbs.append(verbs.empty() ? "" : ", ").append(VerbOf(action));
  }
  choice.rule = choice.rule.empty() ? "rbac" : "rbac," + choice.rule;
  choice.reason += "; RBAC allows " + verbs + " connectors/proxy" + Because(reason);
  return choice;
}

}  // namespace

Task<Authorization> Authorize(AccessReviewer* reviewer, AccessRequest request, Deadline deadline) {
  const auto no_rules = reviewer == nullptr ? NoRules::kNobody : NoRules::kRbacAlone;
  std::vector<RankedConnector> ranked =
      RankConnectors(*request.snapshot, request.target, request.caller, request.scopes, no_rules);
  if (reviewer == nullptr) {
    co_return Authorization{std::move(ranked.front())};
  }
  RankedConnector refused = std::move(ranked.back());  // Looks absent, until one may be named.
  ranked.pop_back();
  const std::vector<oci::Action> needed = ActionsOf(request.scopes);
  std::size_t asked = 0;
  for (RankedConnector& choice : ranked) {
    if (choice.refusal && refused.entry != nullptr) {
      break;  // Those that the rules deny come last, and one that may be named is there.
    }
    if (++asked > kMaxAccessReviews) {
      refused.refusal->detail += "; more connectors serve this registry than are asked about";
      break;
    }
    const ConnectorRef& ref = choice.entry->connector->ref;
    AccessQuestion question{request.caller, request.token_key, ref};
    // Where the rules deny already, only whether the denial may name the connector is asked.
    std::vector<oci::Action> verbs = choice.refusal ? std::vector{needed.front()} : needed;
    const auto rights =
        co_await AskRights(reviewer, std::move(question), std::move(verbs), deadline);
    if (!rights) {
      // No fallback to the next connector: which one serves must not depend on failures.
      co_return Authorization{{nullptr, {}, {}, AccessUnknown(rights.error())}};
    }
    if (!rights->missing && !choice.refusal) {
      co_return Authorization{Permitted(std::move(choice), needed, rights->reason),
                              rights->asked_at};
    }
    if (refused.entry != nullptr) {
      continue;  // An earlier one may be named, and is the better choice.
    }
    if (choice.refusal && rights->visible) {
      refused = std::move(choice);
      continue;
    }
    std::string detail = Unpermitted(request.caller, ref, *rights);
    if (rights->visible) {
      refused.entry = choice.entry;
      refused.refusal =
          VerbMissing(ref, request.scopes, VerbOf(*rights->missing), std::move(detail));
    } else {
      refused.refusal->detail = std::move(detail);
    }
  }
  co_return Authorization{std::move(refused)};
}

}  // namespace connector::broker::authorization
