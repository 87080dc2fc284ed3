#pragma once

// Who is asked about access beside the access rules of the Connector.

#include "broker/authorization/access_reviewer.h"
#include "broker/callers/kubernetes/kubernetes_callers.h"
#include "common/base/clock.h"

#include <memory>

namespace connector::broker::authorization {

// Null without `rbac`: the access rules alone. With it there are `callers`, whose ceiling on
// reviews counts here too. Both outlive the reviewer.
[[nodiscard]] std::unique_ptr<AccessReviewer> MakeAccessReviewer(
    bool rbac, callers::KubernetesCallers* callers, const Clock& clock);

}  // namespace connector::broker::authorization
