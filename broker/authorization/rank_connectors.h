#pragma once

// Ranks the connectors that could serve a request, and checks the access rules of each. Pure: a
// function of one snapshot of the catalog. The cluster's RBAC is checked later, in authorize.h.

#include "broker/authorization/access_rules.h"
#include "broker/authorization/decision.h"
#include "broker/callers/caller_verifier.h"
#include "broker/connectors/catalog.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace connector::broker::authorization {

struct RankedConnector {
  std::shared_ptr<const connectors::CatalogEntry>
      entry;                       // Null when the connector must look absent.
  std::string rule;                // The rule that allowed it.
  std::string reason;              // Why it is allowed, for operators.
  std::optional<Refusal> refusal;  // Absent: allowed.
};

// What could serve the request, best first; at least one. `target` is not AnyConnector. In the
// mirror form several connectors may serve one registry: those of the caller's own namespace, and
// those of others that the upstream policy lets serve them; and where one of these uses TLS, none
// that does not. First those whose rules allow the scopes, then those that know the caller and
// deny, of each the ones in the caller's own namespace before others, each group by name. The last
// one has no entry: it answers when all others must look absent.
[[nodiscard]] std::vector<RankedConnector> RankConnectors(
    const connectors::CatalogSnapshot& snapshot,
    const Target& target,
    const callers::Caller& caller,
    const std::vector<oci::Scope>& scopes,
    NoRules no_rules);

}  // namespace connector::broker::authorization
