#include "broker/authorization/rbac_reviewer.h"

#include "broker/authorization/subject_access_review.h"
#include "broker/callers/kubernetes/shared_review.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace connector::broker::authorization {
namespace {

using Reviews = callers::SharedReview<AccessAnswer>;

// The hash has a fixed length and no name holds a NUL, so two questions never have one key.
std::string KeyOf(const AccessQuestion& question) {
  std::string key = question.token_key;
  key.append(question.connector.ns).push_back('\0');
  key.append(question.connector.name).push_back('\0');
  key.append(VerbOf(question.action));
  return key;
}

Task<Result<AccessAnswer>> Review(callers::ReviewScheduler* reviews,
                                  std::shared_ptr<const AccessQuestion> question,
                                  WallTime asked_at) {
  boost::json::object body =
      SubjectAccessReviewOf(UserOf(question->caller), question->connector, question->action);
  const Deadline deadline = std::chrono::steady_clock::now() + kAccessTimeout;
  std::string workload = question->caller.Name();
  const auto answer = co_await reviews->Ask(
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

Reviews::Options OptionsOf(RbacOptions from) {
  Reviews::Options options;
  options.subject = "the access";
  options.on_cache_hit = std::move(from.on_cache_hit);
  options.lifetime = [positive = from.positive, negative = from.negative](
                         const Reviews::Answer& answer,
                         WallTime asked_at) -> std::optional<Reviews::Lifetime> {
    if (!answer) {
      return std::nullopt;
    }
    const auto lasts = answer->allowed ? positive : negative;
    return Reviews::Lifetime{asked_at, asked_at + lasts, answer->allowed};
  };
  return options;
}

class RbacReviewer final : public AccessReviewer {
 public:
  RbacReviewer(RbacOptions options, callers::ReviewScheduler& scheduler, const Clock& clock)
      : scheduler_(scheduler),
        reviews_(std::make_shared<Reviews>(OptionsOf(std::move(options)), clock)) {}

  Task<Result<AccessAnswer>> MayUse(AccessQuestion question, Deadline deadline) override {
    std::string key = KeyOf(question);
    if (auto known = reviews_->Find(key)) {
      co_return *std::move(known);
    }
    auto shared = std::make_shared<const AccessQuestion>(std::move(question));
    Reviews::Review review = [scheduler = &scheduler_, shared](WallTime asked_at) {
      return Review(scheduler, shared, asked_at);
    };
    co_return co_await reviews_->Ask(std::move(key), std::move(review), deadline);
  }

 private:
  callers::ReviewScheduler& scheduler_;
  const std::shared_ptr<Reviews> reviews_;
};

}  // namespace

std::unique_ptr<AccessReviewer> MakeRbacReviewer(RbacOptions options,
                                                 callers::ReviewScheduler& reviews,
                                                 const Clock& clock) {
  options.positive = std::min<std::chrono::milliseconds>(options.positive, kMaxPositiveAccess);
  options.negative = std::min<std::chrono::milliseconds>(options.negative, kMaxNegativeAccess);
  return std::make_unique<RbacReviewer>(std::move(options), reviews, clock);
}

}  // namespace connector::broker::authorization
