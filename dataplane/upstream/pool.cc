#include "dataplane/upstream/pool.h"

#include <algorithm>
#include <utility>

namespace connector::dataplane::upstream {

std::unique_ptr<net::Stream> ConnectionPool::TakeIdle(const PoolKey& key) {
  const auto it = buckets_.find(key);
  if (it == buckets_.end()) {
    return nullptr;
  }
  std::vector<Idle>& idle = it->second.idle;
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
  return Connect(std::move(endpoint), buckets_[key].session, timers_);
}

void ConnectionPool::Release(const PoolKey& key, std::unique_ptr<net::Stream> stream) {
  Bucket& bucket = buckets_[key];
  if (net::TlsSession session = stream->TakeSession()) {
    bucket.session = std::move(session);
  }
  if (bucket.idle.size() < kMaxIdlePerKey) {
    bucket.idle.push_back({std::move(stream), timers_.Now()});
  }
}

void ConnectionPool::Sweep() {
  const auto oldest = timers_.Now() - kMaxIdle;
  for (auto it = buckets_.begin(); it != buckets_.end();) {
    std::vector<Idle>& idle = it->second.idle;
    const auto kept = std::find_if(
        idle.begin(), idle.end(), [&](const Idle& entry) { return entry.since >= oldest; });
    idle.erase(idle.begin(), kept);
    if (idle.empty() && it->second.session == nullptr) {
      it = buckets_.erase(it);
    } else {
      ++it;
    }
  }
}

std::size_t ConnectionPool::idle() const {
  std::size_t count = 0;
  for (const auto& [key, bucket] : buckets_) {
    count += bucket.idle.size();
  }
  return count;
}

}  // namespace connector::dataplane::upstream
