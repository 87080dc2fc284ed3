#pragma once

// The `kubernetes` verifier: tokens of a cluster's ServiceAccounts, checked by its API server
// (TokenReview), which knows whether the pod and the ServiceAccount still exist.
//
// An answer is cached for a few seconds by the hash of the whole token. Concurrent calls with one
// token share one review. A token whose own claims fail (audience, times) is refused without a
// review. Passes tests/contract/broker/callers/caller_verifier_contract.h.

#include "broker/callers/caller_verifier.h"
#include "broker/callers/kubernetes/review_scheduler.h"
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
  std::string audience;  // The review asks for it, and its answer must name it.
  std::chrono::milliseconds positive = kMaxPositiveReview;
  std::chrono::milliseconds negative = kMaxNegativeReview;
  std::function<void()> on_cache_hit = {};  // For metrics. Empty: nobody listens.
};

// Longer times than the maxima become those. `reviews` and `clock` outlive the executor's work. A
// review runs on the executor of the Verify that started it and may outlive the verifier.
[[nodiscard]] std::unique_ptr<CallerVerifier> MakeTokenReviewVerifier(
    TokenReviewOptions options, callers::ReviewScheduler& reviews, const Clock& clock);

}  // namespace connector::broker::callers
