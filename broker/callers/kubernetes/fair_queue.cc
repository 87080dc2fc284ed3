#include "broker/callers/kubernetes/fair_queue.h"

#include "common/resilience/shared_budget.h"

#include <algorithm>
#include <cmath>

namespace connector::broker::callers {
namespace {

constexpr std::chrono::seconds kMaxBacklog{60};

}  // namespace

FairQueue::FairQueue(FairQueueOptions options, Time now)
    : options_(options), rate_(options.per_second, std::max(1.0, options.per_second), now) {}

std::size_t FairQueue::MaxQueued(Lane lane) const {
  return lane == Lane::kVerified ? options_.max_queued : options_.max_unverified_queued;
}

FairQueue::Place FairQueue::Join(const std::string& workload, Lane lane) {
  Waiting& waiting = Of(lane);
  if (waiting.queued >= MaxQueued(lane)) {
    return {Joined::kFull, 0};
  }
  Workload& mine = waiting.workloads[workload];
  const std::size_t held = mine.tickets.size();
  const bool fair = resilience::IsFairShare(held, 1, waiting.queued, MaxQueued(lane));
  // Of the little that is left any workload without a place may have one.
  if (held > 0 && (!fair || held >= options_.max_queued_per_workload)) {
    return {Joined::kWorkloadFull, 0};
  }
  if (mine.tickets.empty()) {
    waiting.turns.push_back(workload);
  }
  mine.tickets.push_back(++last_ticket_);
  queued_.emplace(last_ticket_, Queued{workload, lane});
  ++waiting.queued;
  return {Joined::kQueued, last_ticket_};
}

std::optional<Lane> FairQueue::NextLane() const {
  const auto& [verified, unverified] = lanes_;
  if (verified.under_way + unverified.under_way >= options_.max_under_way) {
    return std::nullopt;
  }
  if (!verified.turns.empty()) {
    return Lane::kVerified;
  }
  const bool may =
      !unverified.turns.empty() && unverified.under_way < options_.max_unverified_under_way;
  return may ? std::optional(Lane::kUnverified) : std::nullopt;
}

std::optional<FairQueue::Ticket> FairQueue::Next(Time now) {
  const std::optional<Lane> lane = NextLane();
  if (!lane || !rate_.Take(now)) {
    return std::nullopt;
  }
  Waiting& waiting = Of(*lane);
  const std::string workload = waiting.turns.front();
  waiting.turns.pop_front();
  const auto mine = waiting.workloads.find(workload);
  const Ticket ticket = mine->second.tickets.front();
  mine->second.tickets.pop_front();
  if (mine->second.tickets.empty()) {
    waiting.workloads.erase(mine);
  } else {
    waiting.turns.push_back(workload);  // Behind all others: this is what makes it fair.
  }
  queued_.erase(ticket);
  --waiting.queued;
  ++waiting.under_way;
  return ticket;
}

std::optional<FairQueue::Time> FairQueue::NextAt(Time now) const {
  return NextLane() ? std::optional(rate_.NextAt(now)) : std::nullopt;
}

bool FairQueue::Leave(Ticket ticket) {
  const auto found = queued_.find(ticket);
  if (found == queued_.end()) {
    return false;
  }
  Waiting& waiting = Of(found->second.lane);
  const auto mine = waiting.workloads.find(found->second.workload);
  std::erase(mine->second.tickets, ticket);
  if (mine->second.tickets.empty()) {
    waiting.turns.remove(found->second.workload);
    waiting.workloads.erase(mine);
  }
  --waiting.queued;
  queued_.erase(found);
  return true;
}

void FairQueue::End(Lane lane) {
  --Of(lane).under_way;
}

std::chrono::seconds FairQueue::Backlog() const {
  const double seconds = static_cast<double>(queued_.size()) / options_.per_second;
  return std::clamp(std::chrono::seconds(static_cast<std::int64_t>(std::ceil(seconds))),
                    std::chrono::seconds(1),
                    kMaxBacklog);
}

}  // namespace connector::broker::callers
