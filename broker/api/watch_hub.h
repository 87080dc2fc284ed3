#pragma once

// WatchHub: all open WatchRoutes streams. Follows the catalog and gives each stream the newest
// state; a stream sends what changed since it sent last (route_update.h), one
// part at a time. So a slow client holds one part and three snapshots, never a queue.
//
// Locks: the catalog's delivery, then the hub, then a stream. Nothing of gRPC is called under a
// stream's lock.

#include "broker/api/watch_state.h"
#include "broker/deny_list/deny_list.h"

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
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
  // `catalog` outlives the hub.
  explicit WatchHub(connectors::Catalog& catalog);
  ~WatchHub();  // Stop and WaitUntilIdle have been called, or no stream was ever opened.
  WatchHub(const WatchHub&) = delete;
  WatchHub& operator=(const WatchHub&) = delete;

  // A new stream, which deletes itself when gRPC is done with it. `peer` are the names of the
  // client's certificate.
  [[nodiscard]] ::grpc::ServerWriteReactor<v1::WatchRoutesResponse>* Open(
      std::vector<std::string> peer = {});

  // Tells every stream of the list's version, and ends those of peers that it names.
  void TakeDenyList(std::shared_ptr<const deny_list::DenyList> list);

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
  void Spread();                            // Gives state_ to all streams; mutex_ is held.
  void CloseIfDenied(WatchStream& stream);  // mutex_ is held.

  connectors::Catalog& catalog_;

  mutable std::mutex mutex_;
  std::condition_variable idle_;
  WatchState state_;
  std::shared_ptr<const deny_list::DenyList> deny_list_ =
      std::make_shared<const deny_list::DenyList>();
  std::set<WatchStream*> streams_;
  bool stopped_ = false;
  std::uint64_t subscription_ = 0;
};

}  // namespace connector::broker::api
