#pragma once

// SessionCache: TLS sessions to resume, of one worker. A registry chooses the hosts that it
// redirects to, and may name ever new ones: so each connector has a bounded number, for a bounded
// time.

#include "dataplane/net/stream.h"
#include "dataplane/upstream/pool_key.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>

namespace connector::dataplane::upstream {

inline constexpr std::size_t kMaxSessionsPerConnector = 64;
inline constexpr std::chrono::minutes kMaxSessionAge{10};

// Not thread-safe: belongs to one worker.
class SessionCache {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Null when there is none.
  [[nodiscard]] net::TlsSession Find(const PoolKey& key) const;
  // Replaces the one of the same key; forgotten at once where the connector has too many.
  void Put(const PoolKey& key, net::TlsSession session, TimePoint now);

  void Sweep(TimePoint now);
  void Retain(const std::function<bool(const PoolKey&)>& keeps);
  void Clear() { sessions_.clear(); }
  [[nodiscard]] std::size_t size() const { return sessions_.size(); }

 private:
  struct Kept {
    net::TlsSession session;
    TimePoint since;
  };

  [[nodiscard]] bool HasRoom(const ConnectorRef& connector) const;

  std::map<PoolKey, Kept> sessions_;  // Those of a connector stand side by side.
};

}  // namespace connector::dataplane::upstream
