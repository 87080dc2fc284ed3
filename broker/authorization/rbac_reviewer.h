#pragma once

// The AccessReviewer that asks the Kubernetes API server: a SubjectAccessReview of the action's
// verb on connectors/proxy. An answer serves for a few seconds, by the hash of the caller's whole
// token, the Connector and the verb, and callers who come at once share one review.

#include "broker/authorization/access_reviewer.h"
#include "broker/callers/kubernetes/review_scheduler.h"
#include "common/base/clock.h"

#include <chrono>
#include <functional>
#include <memory>

namespace connector::broker::authorization {

inline constexpr std::chrono::seconds kMaxPositiveAccess{10};  // How long a yes may serve.
inline constexpr std::chrono::seconds kMaxNegativeAccess{5};   // And a no.
inline constexpr std::chrono::seconds kAccessTimeout{5};       // Its turn and its answer.

struct RbacOptions {
  std::chrono::milliseconds positive = kMaxPositiveAccess;
  std::chrono::milliseconds negative = kMaxNegativeAccess;
  std::function<void()> on_cache_hit = {};  // For metrics. Empty: nobody listens.
};

// Longer times than the maxima become those. `reviews` and `clock` outlive the executor's work. A
// review runs on the executor of the MayUse that started it and may outlive the reviewer.
[[nodiscard]] std::unique_ptr<AccessReviewer> MakeRbacReviewer(RbacOptions options,
                                                               callers::ReviewScheduler& reviews,
                                                               const Clock& clock);

}  // namespace connector::broker::authorization
