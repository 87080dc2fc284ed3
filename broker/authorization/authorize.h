#pragma once

// Decides whether a caller may do what it asks for, and through which connector. The access rules
// come first (rank_connectors.h), because they cost nothing. In a cluster, the API server is then
// asked about the remaining connectors, one by one, for the verb of each action. Both must allow.
// Without sockets; the reviewer is an interface.

#include "broker/authorization/access_reviewer.h"
#include "broker/authorization/rank_connectors.h"
#include "common/async/task.h"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace connector::broker::authorization {

// Connectors, for one request. Further ones of a mirror look absent. Those of the caller's own
// namespace come first.
inline constexpr std::size_t kMaxAccessReviews = 8;

struct AccessRequest {
  std::shared_ptr<const connectors::CatalogSnapshot> snapshot;
  Target target;  // Not AnyConnector.
  callers::Caller caller;
  std::string token_key;
  std::vector<oci::Scope> scopes;
};

struct Authorization {
  RankedConnector choice;  // Its rule is "access[0]", "rbac" or "rbac,access[0]".
  // When the API server was first asked about what is allowed; epoch when it was not asked.
  WallTime right_checked_at = {};
};

// `reviewer` null: the access rules alone. A connector that the cluster does not let the caller use
// looks absent, whatever its rules say; one that it lets the caller use in another way is named in
// the denial; one about which there is no answer denies (docs/promises.md P3).
[[nodiscard]] Task<Authorization> Authorize(AccessReviewer* reviewer,
                                            AccessRequest request,
                                            Deadline deadline);

}  // namespace connector::broker::authorization
