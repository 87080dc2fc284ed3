#pragma once

// Sends what gRPC logs to our log, as JSON lines, instead of to standard error in its own form.
// Failed handshakes are seen there and nowhere else.

namespace connector::log {
class Logger;
}  // namespace connector::log

namespace connector::grpc_support {

// gRPC has one log function per process, so there is one route: this is the only global state of
// ours, and exists because gRPC hands no context to its function. `logger` outlives the route.
class LogRoute {
 public:
  explicit LogRoute(log::Logger& logger);
  ~LogRoute();  // Drops what gRPC logs later.
  LogRoute(const LogRoute&) = delete;
  LogRoute& operator=(const LogRoute&) = delete;
};

}  // namespace connector::grpc_support
