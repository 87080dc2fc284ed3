#pragma once

// The `kubernetes` verifier: tokens of a cluster's ServiceAccounts, checked by its API server
// (TokenReview), which knows whether the pod and the ServiceAccount still exist.
//
// Before anything is spent that others need too (a turn in the queue, a review, memory that lasts)
// the claims and the signature are checked here, with the cluster's keys. Where those cannot be
// read, a token that was accepted before keeps its place in the queue, and all others wait in a
// lane of their own. An answer is cached for a few seconds by the hash of the whole token.
// Concurrent calls with one token share one review. Passes
// tests/contract/broker/callers/caller_verifier_contract.h.

#include "broker/callers/caller_verifier.h"
#include "broker/callers/kubernetes/review_scheduler.h"
#include "broker/callers/oidc/issuer_keys.h"
#include "common/base/clock.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace connector::broker::callers {

inline constexpr std::chrono::seconds kMaxPositiveReview{10};  // How long a yes may serve.
inline constexpr std::chrono::seconds kMaxNegativeReview{5};   // And a no.
inline constexpr std::chrono::seconds kReviewTimeout{5};       // Its turn and its answer.

struct TokenReviewOptions {
  std::string issuer;    // Compared whole with the token's iss.
  std::string audience;  // The review asks for those of the token that are ours (audience.h).
  bool require_connector_audience = false;
  std::chrono::milliseconds positive = kMaxPositiveReview;
  std::chrono::milliseconds negative = kMaxNegativeReview;
  std::function<void()> on_cache_hit = {};  // For metrics. Empty: nobody listens.
};

// Longer times than the maxima become those. `reviews` and `clock` outlive the executor's work. A
// review runs on the executor of the Verify that started it and may outlive the verifier.
[[nodiscard]] std::unique_ptr<CallerVerifier> MakeTokenReviewVerifier(
    TokenReviewOptions options,
    std::shared_ptr<IssuerKeys> keys,
    callers::ReviewScheduler& reviews,
    const Clock& clock);

}  // namespace connector::broker::callers
