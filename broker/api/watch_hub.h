#pragma once

// WatchHub: all open WatchRoutes streams. Follows the catalog and the sealing keys, and gives each
// stream the newest state; a stream sends what changed since it sent last (route_update.h), one
// part at a time. So a slow client holds one part and three snapshots, never a queue.
//
// Locks: the catalog's delivery, then the hub, then a stream. Nothing of gRPC is called under a
// stream's lock.

#include "broker/api/watch_state.h"
#include "common/base/clock.h"
#include "common/base/secret.h"

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

namespace grpc {
template <class Response>
class ServerWriteReactor;
}  // namespace grpc

namespace connector::broker::v1 {
class WatchRoutesResponse;
}  // namespace connector::broker::v1

namespace connector::broker::api {

class WatchStream;

// Thread-safe.
class WatchHub {
 public:
  // `catalog` and `clock` outlive the hub.
  WatchHub(connectors::Catalog& catalog, Secret root_key, const Clock& clock);
  ~WatchHub();  // Stop and WaitUntilIdle have been called, or no stream was ever opened.
  WatchHub(const WatchHub&) = delete;
  WatchHub& operator=(const WatchHub&) = delete;

  // A new stream, which deletes itself when gRPC is done with it.
  [[nodiscard]] ::grpc::ServerWriteReactor<v1::WatchRoutesResponse>* Open();

  // Sends new keys when the period has changed since the last call. Called now and then.
  void RefreshKeys();

  // Ends every stream with UNAVAILABLE, so that clients go elsewhere.
  void EndStreams(const char* why);
  // The same, now and from now on.
  void Stop();
  // Returns when gRPC is done with every stream. After Stop.
  void WaitUntilIdle();

  [[nodiscard]] std::size_t streams() const;

 private:
  friend class WatchStream;
  void Remove(WatchStream* stream);
  void Spread();  // Gives state_ to all streams; mutex_ is held.

  connectors::Catalog& catalog_;
  const Secret root_key_;
  const Clock& clock_;

  mutable std::mutex mutex_;
  std::condition_variable idle_;
  WatchState state_;
  std::set<WatchStream*> streams_;
  bool stopped_ = false;
  std::uint64_t subscription_ = 0;
};

}  // namespace connector::broker::api
