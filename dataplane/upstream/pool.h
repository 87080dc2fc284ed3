#pragma once

// ConnectionPool: idle upstream connections of one worker, keyed by the full identity of the
// connection, so that one connector's connection is never another's, even to the same registry
// (docs/rules.md "Upstream framing").

#include "common/base/connector_ref.h"
#include "dataplane/upstream/connect.h"

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace connector::dataplane::upstream {

inline constexpr std::size_t kMaxIdlePerKey = 128;
inline constexpr std::chrono::seconds kMaxIdle{55};  // Below the usual server's 60 s.

// Compared whole.
struct PoolKey {
  ConnectorRef connector;
  http::Origin origin;
  std::string tls_profile;
  // A connection that was let through to a private address serves nobody who may not go there.
  bool allow_private_address = false;

  auto operator<=>(const PoolKey&) const = default;
};

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
  void Clear() { buckets_.clear(); }

  [[nodiscard]] std::size_t idle() const;

 private:
  struct Idle {
    std::unique_ptr<net::Stream> stream;
    std::chrono::steady_clock::time_point since;
  };
  struct Bucket {
    std::vector<Idle> idle;
    net::TlsSession session;
  };

  net::Timers& timers_;
  std::map<PoolKey, Bucket> buckets_;
};

}  // namespace connector::dataplane::upstream
