#pragma once

// Which connector serves a request, and whether the policy lets the caller. Pure: a function of one
// snapshot of the catalog.

#include "broker/catalog/catalog.h"
#include "broker/identity/caller_verifier.h"
#include "broker/rpc/denial.h"
#include "broker/rpc/issue_request.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace connector::broker::rpc {

struct Choice {
  std::shared_ptr<const catalog::Entry> entry;  // Null when the connector must look absent.
  std::string rule;                             // That allowed it.
  std::optional<Refusal> refusal;               // Absent: allowed.
};

// `target` is not AnyConnector. In the mirror form several connectors may serve one registry: the
// first one whose rules allow the scopes, those of the caller's own namespace before others, each
// group by name. With none that allows, the first that knows the caller answers.
[[nodiscard]] Choice Choose(const catalog::Snapshot& snapshot,
                            const Target& target,
                            const identity::Caller& caller,
                            const std::vector<oci::Scope>& scopes);

}  // namespace connector::broker::rpc
