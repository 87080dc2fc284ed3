#pragma once

// AccessReviewer: decides whether the cluster's rights let a caller do something with a Connector.
// Both the cluster and the Connector's access rules must allow. A broker without a cluster has
// none.

#include "broker/callers/caller_verifier.h"
#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/base/connector_ref.h"
#include "common/base/result.h"
#include "common/oci/reference.h"

#include <string>
#include <string_view>

namespace connector::broker::authorization {

struct AccessAnswer {
  bool allowed = false;
  std::string reason;      // Why, as the API server says it; may be empty.
  WallTime asked_at = {};  // The answer is not younger than this.
};

struct AccessQuestion {
  callers::Caller caller;
  std::string token_key;  // Of the caller's token (token_key.h).
  ConnectorRef connector;
  oci::Action action = oci::Action::kPull;
};

// The RBAC verb on connectors/proxy that an action needs: get, create, delete. A read verb grants
// reads alone, so that a role that may read everything in a cluster can push nothing.
[[nodiscard]] std::string_view VerbOf(oci::Action action);

// Thread-safe.
class AccessReviewer {
 public:
  virtual ~AccessReviewer() = default;

  // A denial is an answer, not an error. Fails with kUnavailable without an answer; the caller must
  // then deny (docs/promises.md P3).
  [[nodiscard]] virtual Task<Result<AccessAnswer>> MayUse(AccessQuestion question,
                                                          Deadline deadline) = 0;

 protected:
  AccessReviewer() = default;
  AccessReviewer(const AccessReviewer&) = default;
  AccessReviewer& operator=(const AccessReviewer&) = default;
};

}  // namespace connector::broker::authorization
