#pragma once

// WatchStream: one WatchRoutes call. Decides under its lock what to do next (write, finish,
// nothing) and does it after releasing the lock. At most one write is under way, and Finish waits
// for it; gRPC then calls OnDone, where the stream leaves the hub and deletes itself.

#include "broker/api/route_update.h"
#include "broker/api/watch_hub.h"

#include "proto/connector/broker/v1/broker.pb.h"

#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace connector::broker::api {

// With what calls of a peer end that the deny list names.
[[nodiscard]] ::grpc::Status PeerIsDenied();

class WatchStream final : public ::grpc::ServerWriteReactor<v1::WatchRoutesResponse> {
 public:
  explicit WatchStream(WatchHub& hub, std::vector<std::string> peer = {})
      : hub_(hub), peer_(std::move(peer)) {}

  // The names of the client's certificate.
  [[nodiscard]] const std::vector<std::string>& peer() const { return peer_; }

  void Update(WatchState latest);
  void Close(::grpc::Status status);  // The first status counts.

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  enum class Step { kNothing, kWrite, kFinish };
  [[nodiscard]] Step Decide();  // mutex_ is held.
  void Do(Step step);           // mutex_ is not held.
  [[nodiscard]] bool Prepare();

  WatchHub& hub_;
  const std::vector<std::string> peer_;
  std::mutex mutex_;
  WatchState latest_;
  WatchState sent_;  // With the end of update_.
  std::optional<RouteUpdate> update_;
  bool writing_ = false;
  bool finished_ = false;
  std::optional<::grpc::Status> closing_;
  v1::WatchRoutesResponse response_;  // Untouched while writing_.
};

}  // namespace connector::broker::api
