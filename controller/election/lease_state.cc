#include "controller/election/lease_state.h"

#include "controller/json/times.h"

#include <algorithm>
#include <utility>

namespace connector::controller::election {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;

milliseconds Part(milliseconds whole, double part) {
  return duration_cast<milliseconds>(whole * part);
}

std::int64_t WholeSeconds(milliseconds time) {
  return std::max<std::int64_t>(1, std::chrono::ceil<seconds>(time).count());
}

}  // namespace

std::string LeaseTimesProblem(const LeaseTimes& times) {
  if (times.retry_period < milliseconds(100)) {
    return "retryPeriod must be at least 100ms";
  }
  if (times.renew_period < times.retry_period) {
    return "renewPeriod must be at least retryPeriod";
  }
  // At least one more attempt fits after a renewal that failed, with the longest jitter.
  if (times.renew_deadline <= times.renew_period + Part(times.retry_period, 1.2)) {
    return "renewDeadline must be longer than renewPeriod and 1.2 times retryPeriod together";
  }
  // What is left of it is the time in which a write that was just sent may still arrive.
  if (times.lease_duration < times.renew_deadline + seconds(1)) {
    return "leaseDuration must be longer than renewDeadline by at least 1s";
  }
  return {};
}

LeaseState::LeaseState(std::string identity, LeaseTimes times, std::function<double()> random)
    : identity_(std::move(identity)), times_(times), random_(std::move(random)) {
  jitter_ = random_();
}

void LeaseState::ObserveWatch(std::optional<ObservedLease> lease, SteadyTime now) {
  if (!Holds(now)) {
    Update(std::move(lease), now);
  }
}

void LeaseState::ObserveRead(std::optional<ObservedLease> lease, SteadyTime now) {
  if (!lease || lease->record.holder != identity_) {
    held_until_.reset();
  }
  Update(std::move(lease), now);
}

void LeaseState::Update(std::optional<ObservedLease> lease, SteadyTime now) {
  const bool same = lease && lease_ && lease->record == lease_->record;
  if (!same) {
    seen_at_ = now;
    jitter_ = random_();
  }
  lease_ = std::move(lease);
}

void LeaseState::Written(ObservedLease lease, SteadyTime sent) {
  lease_ = std::move(lease);
  seen_at_ = sent;
  renewed_at_ = sent;
  not_before_ = sent;
  held_until_ = sent + times_.renew_deadline;
  jitter_ = random_();
}

void LeaseState::Failed(SteadyTime now) {
  jitter_ = random_();
  not_before_ = now + times_.retry_period + Part(times_.retry_period, 0.2 * jitter_);
}

milliseconds LeaseState::RecordDuration() const {
  // A holder that was configured with more time gets it.
  return std::max(times_.lease_duration, milliseconds(seconds(lease_->record.duration_seconds)));
}

LeasePlan LeaseState::Next(SteadyTime now) const {
  if (Holds(now)) {
    const SteadyTime due =
        renewed_at_ + times_.renew_period - Part(times_.renew_period, 0.1 * jitter_);
    return {LeaseMove::kRenew, std::max(due, not_before_)};
  }
  if (!lease_) {
    return {LeaseMove::kCreate, not_before_};
  }
  if (lease_->record.holder.empty()) {
    return {LeaseMove::kTake, not_before_};
  }
  // Ours, although we may not write any more: a renewal that nobody was faster than gives it back.
  if (lease_->record.holder == identity_) {
    return {LeaseMove::kRenew, not_before_};
  }
  const SteadyTime free_at = seen_at_ + RecordDuration() + Part(times_.retry_period, jitter_);
  return {now < free_at ? LeaseMove::kWait : LeaseMove::kTake, std::max(free_at, not_before_)};
}

LeaseRecord LeaseState::RecordFor(LeaseMove move, WallTime now) const {
  LeaseRecord record;
  record.holder = identity_;
  record.duration_seconds = WholeSeconds(times_.lease_duration);
  record.acquire_time = record.renew_time = ApiMicroTime(now);
  if (lease_) {
    record.transitions = lease_->record.transitions + (move == LeaseMove::kTake ? 1 : 0);
    if (move == LeaseMove::kRenew) {
      record.acquire_time = lease_->record.acquire_time;
    }
  }
  return record;
}

LeaseRecord LeaseState::ReleaseRecord(WallTime now) const {
  LeaseRecord record = RecordFor(LeaseMove::kRenew, now);
  record.holder.clear();
  record.duration_seconds = 1;
  return record;
}

}  // namespace connector::controller::election
