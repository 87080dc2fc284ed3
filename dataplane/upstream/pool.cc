#include "dataplane/upstream/pool.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace connector::dataplane::upstream {

std::unique_ptr<net::Stream> ConnectionPool::TakeIdle(const PoolKey& key) {
  const auto it = idle_.find(key);
  if (it == idle_.end()) {
    return nullptr;
  }
  std::vector<Idle>& idle = it->second;
  while (!idle.empty()) {
    std::unique_ptr<net::Stream> stream = std::move(idle.back().stream);
    idle.pop_back();
    if (!stream->HasInputOrEnd()) {
      return stream;
    }
  }
  return nullptr;
}

Task<Result<std::unique_ptr<net::Stream>>> ConnectionPool::Open(const PoolKey& key,
                                                                DialTarget endpoint) {
  return Connect(std::move(endpoint), sessions_.Find(key), timers_);
}

void ConnectionPool::Release(const PoolKey& key, std::unique_ptr<net::Stream> stream) {
  if (net::TlsSession session = stream->TakeSession()) {
    sessions_.Put(key, std::move(session), timers_.Now());
  }
  std::vector<Idle>& idle = idle_[key];
  if (idle.size() < kMaxIdlePerKey) {
    idle.push_back({std::move(stream), timers_.Now()});
  }
}

void ConnectionPool::Sweep() {
  sessions_.Sweep(timers_.Now());
  const auto oldest = timers_.Now() - kMaxIdle;
  for (auto it = idle_.begin(); it != idle_.end();) {
    std::vector<Idle>& idle = it->second;
    const auto kept = std::find_if(
        idle.begin(), idle.end(), [&](const Idle& entry) { return entry.since >= oldest; });
    idle.erase(idle.begin(), kept);
    it = idle.empty() ? idle_.erase(it) : std::next(it);
  }
}

void ConnectionPool::Retain(const std::function<bool(const PoolKey&)>& keeps) {
  sessions_.Retain(keeps);
  std::erase_if(idle_, [&](const auto& entry) { return !keeps(entry.first); });
}

void ConnectionPool::Clear() {
  sessions_.Clear();
  idle_.clear();
}

std::size_t ConnectionPool::idle() const {
  std::size_t count = 0;
  for (const auto& [key, idle] : idle_) {
    count += idle.size();
  }
  return count;
}

}  // namespace connector::dataplane::upstream
