#include "broker/callers/kubernetes/review_scheduler.h"

#include "common/async/one_shot.h"

#include <boost/asio/basic_waitable_timer.hpp>

#include <algorithm>
#include <cctype>
#include <mutex>
#include <utility>

namespace connector::broker::callers {
namespace {

using Steady = std::chrono::steady_clock;
namespace json = boost::json;

Error Busy(const std::string& what, std::chrono::seconds retry_after) {
  Error error = MakeError(ErrorCode::kUnavailable,
                          ErrorOrigin::kSelf,
                          what + "; the ceiling is identity.kubernetes.maxReviewsPerSecond",
                          Retry::kSafe);
  error.retry_after = retry_after;
  return error;
}

std::string_view KindName(const kube::ResourceType& type) {
  return type == kube::kTokenReviews ? "tokenreview" : "subjectaccessreview";
}

}  // namespace

// Shared with every Ask, because an Ask may outlive the ReviewScheduler.
class ReviewScheduler::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(PostReview post, FairQueueOptions options, Executor executor, ReviewObserver observe)
      : post_(std::move(post)),
        observe_(std::move(observe)),
        queue_(options, Steady::now()),
        timer_(std::in_place, executor) {}

  // One review's turn, from the moment when it came.
  class Turn {
   public:
    Turn(std::shared_ptr<Impl> impl, Lane lane) : impl_(std::move(impl)), lane_(lane) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() { impl_->End(lane_); }

   private:
    std::shared_ptr<Impl> impl_;
    const Lane lane_;
  };

  static Task<Result<json::object>> Ask(std::shared_ptr<Impl> self,
                                        kube::ResourceType type,
                                        std::string workload,
                                        json::object body,
                                        Deadline deadline,
                                        Lane lane);

  std::size_t queued() {
    const std::lock_guard lock(mutex_);
    return queue_.queued();
  }
  void Close() {
    const std::lock_guard lock(mutex_);
    timer_.reset();
  }

 private:
  using Timer = asio::basic_waitable_timer<Steady, asio::wait_traits<Steady>, Executor>;

  [[nodiscard]] Result<std::shared_ptr<OneShot<Done>>> Join(const std::string& workload,
                                                            Lane lane,
                                                            FairQueue::Ticket& ticket);
  bool Leave(FairQueue::Ticket ticket);
  void End(Lane lane);
  void Pump();  // mutex_ is held.
  void Report(const ReviewReport& report) const {
    if (observe_) {
      observe_(report);
    }
  }

  const PostReview post_;
  const ReviewObserver observe_;
  std::mutex mutex_;
  FairQueue queue_;
  std::unordered_map<FairQueue::Ticket, std::shared_ptr<OneShot<Done>>> waiting_;
  std::optional<Timer> timer_;  // None once closed.
};

Result<std::shared_ptr<OneShot<Done>>> ReviewScheduler::Impl::Join(const std::string& workload,
                                                                   Lane lane,
                                                                   FairQueue::Ticket& ticket) {
  const std::lock_guard lock(mutex_);
  const FairQueue::Place place = queue_.Join(workload, lane);
  switch (place.joined) {
    case Joined::kWorkloadFull:
      return Busy("too many reviews for " + workload + " wait", queue_.Backlog());
    case Joined::kFull:
      return Busy("too many reviews wait", queue_.Backlog());
    case Joined::kQueued:
      break;
  }
  ticket = place.ticket;
  auto turn = std::make_shared<OneShot<Done>>();
  waiting_.emplace(ticket, turn);
  Pump();
  return turn;
}

bool ReviewScheduler::Impl::Leave(FairQueue::Ticket ticket) {
  const std::lock_guard lock(mutex_);
  waiting_.erase(ticket);
  return queue_.Leave(ticket);
}

void ReviewScheduler::Impl::End(Lane lane) {
  const std::lock_guard lock(mutex_);
  queue_.End(lane);
  Pump();
}

void ReviewScheduler::Impl::Pump() {
  const auto now = Steady::now();
  while (const auto next = queue_.Next(now)) {
    const auto found = waiting_.find(*next);
    const std::shared_ptr<OneShot<Done>> turn = std::move(found->second);
    waiting_.erase(found);
    turn->Set(Done{});  // Posts; runs nothing here.
  }
  const auto at = queue_.NextAt(now);
  if (!at || !timer_) {
    return;
  }
  timer_->expires_at(*at);
  timer_->async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = error ? nullptr : weak.lock();
    if (self) {
      const std::lock_guard lock(self->mutex_);
      self->Pump();
    }
  });
}

Task<Result<json::object>> ReviewScheduler::Impl::Ask(std::shared_ptr<Impl> self,
                                                      kube::ResourceType type,
                                                      std::string workload,
                                                      json::object body,
                                                      Deadline deadline,
                                                      Lane lane) {
  const auto joined_at = Steady::now();
  ReviewReport report{KindName(type), ReviewResult::kRejected, {}, {}};
  FairQueue::Ticket ticket = 0;
  const auto place = self->Join(workload, lane, ticket);
  if (!place) {
    self->Report(report);
    co_return place.error();
  }
  const bool came = (co_await OneShot<Done>::Wait(*place, deadline)).has_value();
  report.waited = Steady::now() - joined_at;
  if (!came && self->Leave(ticket)) {
    report.result = ReviewResult::kTimedOut;
    self->Report(report);
    co_return Busy("the turn of a review for " + workload + " did not come in time",
                   std::chrono::seconds(1));
  }
  const Turn turn(self, lane);
  const auto asked_at = Steady::now();
  Result<json::object> answer = co_await self->post_(type, std::move(body), deadline);
  report.took = Steady::now() - asked_at;
  report.result = answer ? ReviewResult::kAnswered : ReviewResult::kFailed;
  self->Report(report);
  co_return answer;
}

std::string_view ToString(ReviewResult result) {
  switch (result) {
    case ReviewResult::kAnswered:
      return "answered";
    case ReviewResult::kFailed:
      return "failed";
    case ReviewResult::kRejected:
      return "rejected";
    case ReviewResult::kTimedOut:
      return "timed_out";
  }
  return "unknown";
}

ReviewScheduler::ReviewScheduler(PostReview post,
                                 FairQueueOptions options,
                                 Executor executor,
                                 ReviewObserver observe)
    : impl_(std::make_shared<Impl>(std::move(post), options, executor, std::move(observe))) {}

ReviewScheduler::~ReviewScheduler() {
  impl_->Close();  // The timer may not outlive the executor; the Impl may.
}

Task<Result<json::object>> ReviewScheduler::Ask(kube::ResourceType type,
                                                std::string workload,
                                                json::object body,
                                                Deadline deadline,
                                                Lane lane) {
  return Impl::Ask(impl_, type, std::move(workload), std::move(body), deadline, lane);
}

std::size_t ReviewScheduler::queued() const {
  return impl_->queued();
}

}  // namespace connector::broker::callers
