#include "controller/queue/work_queue.h"

#include <algorithm>

namespace connector::controller {

void WorkQueue::Add(const ConnectorRef& key, SteadyTime at) {
  const auto& held = in_work_.contains(key) ? again_ : due_;
  const auto found = held.find(key);
  Replace(key, found == held.end() ? at : std::min(at, found->second));
}

void WorkQueue::Replace(const ConnectorRef& key, SteadyTime at) {
  if (in_work_.contains(key)) {
    again_[key] = at;
    return;
  }
  const auto found = due_.find(key);
  if (found != due_.end()) {
    order_.erase({found->second, key});
  }
  due_[key] = at;
  order_.emplace(at, key);
}

void WorkQueue::Forget(const ConnectorRef& key) {
  again_.erase(key);
  const auto found = due_.find(key);
  if (found != due_.end()) {
    order_.erase({found->second, key});
    due_.erase(found);
  }
}

void WorkQueue::Clear() {
  due_.clear();
  order_.clear();
  again_.clear();
}

std::optional<ConnectorRef> WorkQueue::Take(SteadyTime now) {
  if (order_.empty() || now < order_.begin()->first) {
    return std::nullopt;
  }
  ConnectorRef key = order_.begin()->second;
  order_.erase(order_.begin());
  due_.erase(key);
  in_work_.insert(key);
  return key;
}

void WorkQueue::Finish(const ConnectorRef& key) {
  in_work_.erase(key);
  const auto found = again_.find(key);
  if (found != again_.end()) {
    const SteadyTime at = found->second;
    again_.erase(found);
    Add(key, at);
  }
}

std::optional<WorkQueue::SteadyTime> WorkQueue::NextDue() const {
  return order_.empty() ? std::nullopt : std::optional(order_.begin()->first);
}

}  // namespace connector::controller
