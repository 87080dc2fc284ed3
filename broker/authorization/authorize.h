#pragma once

// May this caller do this, and through which connector? The access rules first (rank_connectors.h),
// which cost nothing; then, in a cluster, the API server is asked about the connectors that are
// left, one by one. Both must allow. Without sockets; the reviewer is an interface.

#include "broker/authorization/access_reviewer.h"
#include "broker/authorization/rank_connectors.h"
#include "common/async/task.h"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace connector::broker::authorization {

// Of one request. Beyond it a mirror's connectors look absent: the caller's own namespace is first.
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
  // Since when it is known that the caller may: no later than now. Epoch where nobody was asked.
  WallTime right_checked_at = {};
};

// `reviewer` null: the access rules alone. A connector that the cluster does not let the caller use
// looks absent, whatever its rules say; one about which there is no answer denies (promise P3).
[[nodiscard]] Task<Authorization> Authorize(AccessReviewer* reviewer,
                                            AccessRequest request,
                                            Deadline deadline);

}  // namespace connector::broker::authorization
