#include "broker/callers/kubernetes/fair_queue.h"

#include <algorithm>
#include <cmath>

namespace connector::broker::callers {
namespace {

constexpr std::chrono::seconds kMaxBacklog{60};

}  // namespace

FairQueue::FairQueue(FairQueueOptions options, Time now)
    : options_(options), rate_(options.per_second, std::max(1.0, options.per_second), now) {}

FairQueue::Place FairQueue::Join(const std::string& workload) {
  if (queued_.size() >= options_.max_queued) {
    return {Joined::kFull, 0};
  }
  Workload& mine = workloads_[workload];
  if (mine.tickets.size() >= options_.max_queued_per_workload) {
    return {Joined::kWorkloadFull, 0};
  }
  if (mine.tickets.empty()) {
    turns_.push_back(workload);
  }
  mine.tickets.push_back(++last_ticket_);
  queued_.emplace(last_ticket_, workload);
  return {Joined::kQueued, last_ticket_};
}

std::optional<FairQueue::Ticket> FairQueue::Next(Time now) {
  if (turns_.empty() || under_way_ >= options_.max_under_way || !rate_.Take(now)) {
    return std::nullopt;
  }
  const std::string workload = turns_.front();
  turns_.pop_front();
  const auto mine = workloads_.find(workload);
  const Ticket ticket = mine->second.tickets.front();
  mine->second.tickets.pop_front();
  if (mine->second.tickets.empty()) {
    workloads_.erase(mine);
  } else {
    turns_.push_back(workload);  // Behind all others: this is what makes it fair.
  }
  queued_.erase(ticket);
  ++under_way_;
  return ticket;
}

std::optional<FairQueue::Time> FairQueue::NextAt(Time now) const {
  if (turns_.empty() || under_way_ >= options_.max_under_way) {
    return std::nullopt;
  }
  return rate_.NextAt(now);
}

bool FairQueue::Leave(Ticket ticket) {
  const auto found = queued_.find(ticket);
  if (found == queued_.end()) {
    return false;
  }
  const auto mine = workloads_.find(found->second);
  std::erase(mine->second.tickets, ticket);
  if (mine->second.tickets.empty()) {
    turns_.remove(found->second);
    workloads_.erase(mine);
  }
  queued_.erase(found);
  return true;
}

void FairQueue::End() {
  --under_way_;
}

std::chrono::seconds FairQueue::Backlog() const {
  const double seconds = static_cast<double>(queued_.size()) / options_.per_second;
  return std::clamp(std::chrono::seconds(static_cast<std::int64_t>(std::ceil(seconds))),
                    std::chrono::seconds(1),
                    kMaxBacklog);
}

}  // namespace connector::broker::callers
