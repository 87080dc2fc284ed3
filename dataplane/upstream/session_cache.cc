#include "dataplane/upstream/session_cache.h"

#include <utility>

namespace connector::dataplane::upstream {

net::TlsSession SessionCache::Find(const PoolKey& key) const {
  const auto found = sessions_.find(key);
  return found == sessions_.end() ? nullptr : found->second.session;
}

void SessionCache::Put(const PoolKey& key, net::TlsSession session, TimePoint now) {
  if (sessions_.contains(key) || HasRoom(key.connector)) {
    sessions_.insert_or_assign(key, Kept{std::move(session), now});
  }
}

bool SessionCache::HasRoom(const ConnectorRef& connector) const {
  std::size_t count = 0;
  for (auto it = sessions_.lower_bound(PoolKey{connector, {}, {}, false});
       it != sessions_.end() && it->first.connector == connector;
       ++it) {
    ++count;
  }
  return count < kMaxSessionsPerConnector;
}

void SessionCache::Sweep(TimePoint now) {
  std::erase_if(sessions_,
                [&](const auto& entry) { return now - entry.second.since > kMaxSessionAge; });
}

void SessionCache::Retain(const std::function<bool(const PoolKey&)>& keeps) {
  std::erase_if(sessions_, [&](const auto& entry) { return !keeps(entry.first); });
}

}  // namespace connector::dataplane::upstream
