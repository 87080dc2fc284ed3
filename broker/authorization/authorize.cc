#include "broker/authorization/authorize.h"

#include <utility>

namespace connector::broker::authorization {
namespace {

std::string Unpermitted(const callers::Caller& caller,
                        const ConnectorRef& connector,
                        const std::string& reason) {
  return "RBAC does not let " + caller.Name() + " get connectors/proxy " + connector.ToString() +
         (reason.empty() ? "" : ": " + reason);
}

RankedConnector Permitted(RankedConnector choice, const std::string& reason) {
  if (choice.refusal) {
    // Its rules deny. The cluster lets the caller use it, so the denial may name the connector.
    return choice;
  }
  choice.rule = choice.rule.empty() ? "rbac" : "rbac," + choice.rule;
  choice.reason += "; RBAC allows get connectors/proxy" + (reason.empty() ? "" : ": " + reason);
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
  RankedConnector absent = std::move(ranked.back());
  ranked.pop_back();
  std::size_t asked = 0;
  for (RankedConnector& choice : ranked) {
    if (++asked > kMaxAccessReviews) {
      absent.refusal->detail += "; more connectors serve this registry than are asked about";
      break;
    }
    const ConnectorRef& ref = choice.entry->connector->ref;
    AccessQuestion question{request.caller, request.token_key, ref};
    const auto answer = co_await reviewer->MayUse(std::move(question), deadline);
    if (!answer) {
      // No fallback to the next connector: which one serves must not depend on failures.
      co_return Authorization{{nullptr, {}, {}, AccessUnknown(answer.error())}};
    }
    if (answer->allowed) {
      co_return Authorization{Permitted(std::move(choice), answer->reason), answer->asked_at};
    }
    absent.refusal->detail = Unpermitted(request.caller, ref, answer->reason);
  }
  co_return Authorization{std::move(absent)};
}

}  // namespace connector::broker::authorization
