#pragma once

// ReviewScheduler: sends reviews (of a token, of an access) to the Kubernetes API server, at a
// bounded rate and fairly between workloads (fair_queue.h). It caches nothing and does not
// interpret the answers.

#include "broker/callers/kubernetes/fair_queue.h"
#include "common/async/task.h"
#include "common/base/result.h"
#include "common/kube/object.h"

#include <boost/json.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace connector::broker::callers {

// kube::ApiClient::Review, as a function.
using PostReview = std::function<Task<Result<boost::json::object>>(
    kube::ResourceType type, boost::json::object body, Deadline deadline)>;

enum class ReviewResult : std::uint8_t {
  kAnswered,
  kFailed,    // The API server gave no answer.
  kRejected,  // Too many wait.
  kTimedOut,  // Before its turn came.
};
[[nodiscard]] std::string_view ToString(ReviewResult result);  // "answered" ...

// One Ask, for metrics.
struct ReviewReport {
  std::string_view kind;  // "tokenreview", "subjectaccessreview"
  ReviewResult result = ReviewResult::kAnswered;
  std::chrono::steady_clock::duration waited{};
  std::chrono::steady_clock::duration took{};  // After the wait.
};
// On any thread of the executor.
using ReviewObserver = std::function<void(const ReviewReport&)>;

// Thread-safe.
class ReviewScheduler {
 public:
  // What `post` uses outlives the executor's work; this object may end before it.
  ReviewScheduler(PostReview post,
                  FairQueueOptions options,
                  Executor executor,
                  ReviewObserver observe);
  ~ReviewScheduler();
  ReviewScheduler(const ReviewScheduler&) = delete;
  ReviewScheduler& operator=(const ReviewScheduler&) = delete;

  // `workload` is for fairness only: a verified subject, or where an unverified claim comes from.
  // Fails with kUnavailable and Retry::kSafe, with retry_after, when too many wait or the turn does
  // not come in time; else with what `post` failed with.
  [[nodiscard]] Task<Result<boost::json::object>> Ask(kube::ResourceType type,
                                                      std::string workload,
                                                      boost::json::object body,
                                                      Deadline deadline,
                                                      Lane lane = Lane::kVerified);

  [[nodiscard]] std::size_t queued() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace connector::broker::callers
