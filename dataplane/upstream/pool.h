#pragma once

// ConnectionPool: idle upstream connections of one worker, keyed by the full identity of the
// connection, so that one connector's connection is never another's, even to the same registry
// (docs/rules.md "Upstream framing").

#include "dataplane/upstream/connect.h"
#include "dataplane/upstream/pool_key.h"
#include "dataplane/upstream/session_cache.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace connector::dataplane::upstream {

inline constexpr std::size_t kMaxIdlePerKey = 128;
inline constexpr std::chrono::seconds kMaxIdle{55};  // Below the usual server's 60 s.

// Not thread-safe: belongs to one worker.
class ConnectionPool {
 public:
  explicit ConnectionPool(net::Timers& timers) : timers_(timers) {}

  // The connection used last, when there is one; null otherwise. Not one that the peer has closed,
  // nor one on which bytes wait: they answer nothing, and would be read as the next answer. The
  // look costs a system call.
  [[nodiscard]] std::unique_ptr<net::Stream> TakeIdle(const PoolKey& key);

  // A new connection; resumes an earlier TLS session of the same key.
  [[nodiscard]] Task<Result<std::unique_ptr<net::Stream>>> Open(const PoolKey& key,
                                                                DialTarget endpoint);

  // Only for a connection whose last response was read to its end.
  void Release(const PoolKey& key, std::unique_ptr<net::Stream> stream);

  // Closes what has been idle too long. Called at every tick.
  void Sweep();
  // Closes, and forgets, what `keeps` does not accept: its route is gone or has changed.
  void Retain(const std::function<bool(const PoolKey&)>& keeps);
  void Clear();

  [[nodiscard]] std::size_t idle() const;

 private:
  struct Idle {
    std::unique_ptr<net::Stream> stream;
    std::chrono::steady_clock::time_point since;
  };

  net::Timers& timers_;
  std::map<PoolKey, std::vector<Idle>> idle_;  // None is empty for longer than a tick.
  SessionCache sessions_;
};

}  // namespace connector::dataplane::upstream
