#pragma once

// AccessReviewer: may this caller use this Connector at all, by the rights of the cluster that it
// runs in? Asked before the Connector's own access rules count. A broker that knows no cluster has
// none.

#include "broker/callers/caller_verifier.h"
#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/base/connector_ref.h"
#include "common/base/result.h"

#include <string>

namespace connector::broker::authorization {

struct AccessAnswer {
  bool allowed = false;
  std::string reason;      // Why, in the cluster's words; may be empty.
  WallTime asked_at = {};  // The answer is not younger than this.
};

struct AccessQuestion {
  callers::Caller caller;
  std::string token_key;  // token_key.h: whatever the caller may do, it may with this token.
  ConnectorRef connector;
};

// Thread-safe.
class AccessReviewer {
 public:
  virtual ~AccessReviewer() = default;

  // A no is an answer. Fails with kUnavailable when there is none: the caller must then deny.
  [[nodiscard]] virtual Task<Result<AccessAnswer>> MayUse(AccessQuestion question,
                                                          Deadline deadline) = 0;

 protected:
  AccessReviewer() = default;
  AccessReviewer(const AccessReviewer&) = default;
  AccessReviewer& operator=(const AccessReviewer&) = default;
};

}  // namespace connector::broker::authorization
