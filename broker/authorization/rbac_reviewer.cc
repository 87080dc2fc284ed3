#include "broker/authorization/rbac_reviewer.h"

#include "broker/authorization/subject_access_review.h"
#include "broker/callers/kubernetes/review_cache.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

namespace connector::broker::authorization {
namespace {

// What a review shares with the reviewer, and keeps alive until it has ended.
struct AccessReviewContext {
  AccessReviewContext(RbacOptions from, callers::ReviewScheduler& asks, const Clock& now)
      : options(std::move(from)), reviews(asks), clock(now) {}

  const RbacOptions options;
  callers::ReviewScheduler& reviews;
  const Clock& clock;
  callers::ReviewCache<AccessAnswer> cache;
};

// The hash has a fixed length and no name holds a NUL, so two questions never have one key.
std::string KeyOf(const AccessQuestion& question) {
  std::string key = question.token_key;
  key.append(question.connector.ns).push_back('\0');
  key.append(question.connector.name);
  return key;
}

// The age of an answer counts from before the request: the API server may have decided at any
// moment since then.
Task<Result<AccessAnswer>> Review(std::shared_ptr<AccessReviewContext> context,
                                  AccessQuestion question,
                                  WallTime asked_at) {
  boost::json::object body = SubjectAccessReviewOf(UserOf(question.caller), question.connector);
  const Deadline deadline = std::chrono::steady_clock::now() + kAccessTimeout;
  std::string workload = question.caller.Name();
  const auto answer = co_await context->reviews.Ask(
      kube::kSubjectAccessReviews, std::move(workload), std::move(body), deadline);
  if (!answer) {
    Error error = answer.error();
    error.code = ErrorCode::kUnavailable;  // Also a 403 to us: nothing is known about the caller.
    co_return error;
  }
  auto read = ReadSubjectAccessReview(*answer);
  if (read) {
    read->asked_at = asked_at;
  }
  co_return read;
}

void Complete(AccessReviewContext& context,
              const std::string& key,
              Result<AccessAnswer> answer,
              WallTime asked_at) {
  std::optional<callers::ReviewCache<AccessAnswer>::Lifetime> lifetime;
  if (answer) {
    const auto lasts = answer->allowed ? context.options.positive : context.options.negative;
    lifetime = {asked_at, asked_at + lasts, answer->allowed};
  }
  context.cache.Complete(key, std::move(answer), lifetime);
}

class RbacReviewer final : public AccessReviewer {
 public:
  explicit RbacReviewer(std::shared_ptr<AccessReviewContext> context)
      : context_(std::move(context)) {}

  Task<Result<AccessAnswer>> MayUse(AccessQuestion question, Deadline deadline) override {
    const std::string key = KeyOf(question);
    const WallTime now = context_->clock.Now();
    if (auto known = context_->cache.Find(key, now)) {
      if (context_->options.on_cache_hit) {
        context_->options.on_cache_hit();
      }
      co_return *std::move(known);
    }
    const auto joined = context_->cache.Join(key, now);
    if (joined.start) {
      auto done = [context = context_, key, now](std::exception_ptr failure,
                                                 Result<AccessAnswer> answer) {
        if (failure) {
          answer = MakeError(ErrorCode::kInternal, ErrorOrigin::kSelf, "an access review threw");
        }
        Complete(*context, key, std::move(answer), now);
      };
      const Executor executor = co_await asio::this_coro::executor;
      asio::co_spawn(executor, Review(context_, std::move(question), now), std::move(done));
    }
    co_return co_await callers::ReviewCache<AccessAnswer>::Await(
        joined.call, "the access", deadline);
  }

 private:
  const std::shared_ptr<AccessReviewContext> context_;
};

}  // namespace

std::unique_ptr<AccessReviewer> MakeRbacReviewer(RbacOptions options,
                                                 callers::ReviewScheduler& reviews,
                                                 const Clock& clock) {
  options.positive = std::min<std::chrono::milliseconds>(options.positive, kMaxPositiveAccess);
  options.negative = std::min<std::chrono::milliseconds>(options.negative, kMaxNegativeAccess);
  return std::make_unique<RbacReviewer>(
      std::make_shared<AccessReviewContext>(std::move(options), reviews, clock));
}

}  // namespace connector::broker::authorization
