#pragma once

// RouteWatcher: keeps the RouteTable equal to what a broker says, over one WatchRoutes stream at a
// time. When the stream breaks, the last table stays in force and a new stream is tried with
// backoff; grants end by their own times meanwhile (promises P6 and P9), and after kMaxRouteSilence
// nothing that is granted anew is used with the table.

#include "common/log/log.h"
#include "dataplane/routes/route_table.h"

#include <functional>
#include <memory>
#include <string>

namespace grpc {
class ChannelInterface;
}

namespace connector::dataplane::routes {

struct WatchStatus {
  bool synced = false;     // A whole snapshot has been received since start.
  bool connected = false;  // The stream is up now, and its snapshot was received.
  std::string problem;     // Why there is no stream, in the broker's or gRPC's words.
  std::uint64_t reconnects = 0;
  std::uint64_t updates = 0;
};

class RouteWatcher {
 public:
  using Publish = std::function<void(std::shared_ptr<const RouteTable>)>;

  // `publish` is called from the watcher's own thread, once for each new table, between Start and
  // the end of Stop.
  RouteWatcher(const std::shared_ptr<grpc::ChannelInterface>& channel,
               Publish publish,
               log::Logger& logger);
  ~RouteWatcher();  // Stops.

  void Start();  // Once only.
  void Stop();   // Ends the stream and waits for the thread. Idempotent.

  // Any thread, also before Start and after Stop.
  [[nodiscard]] WatchStatus Status() const;
  [[nodiscard]] std::shared_ptr<const RouteTable> Current() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace connector::dataplane::routes
