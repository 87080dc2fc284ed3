#pragma once

// AdminServer: the admin port of a program. Answers GET and HEAD of
//   /livez        200 "ok" as soon as the port is open
//   /readyz       200 "ready" (and one line per thing that is degraded), or 503 with one line per
//                 reason why not
//   /metrics      Prometheus text exposition of every collectable
//   /             the status page (status_page.html), for people
//   /status.json  what the page shows (status_report.h)
// Anything else is 404, any other method 405.
//
// Serves on one thread of its own, so that a busy or blocked program still answers. It has no TLS
// and no authentication, and therefore never shows a secret: listen on loopback or on a pod address
// that only the cluster's monitoring reaches. It takes no input but the request line.

#include "common/base/result.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace prometheus {
class Collectable;
}  // namespace prometheus

namespace connector::admin {

// For a further one the oldest connection of the address that has the most is closed.
inline constexpr std::size_t kMaxConnections = 64;
inline constexpr std::size_t kMaxHeadBytes = 8192;  // Longer heads close the connection.
inline constexpr std::chrono::seconds kHeadTimeout{2};
inline constexpr std::chrono::seconds kWriteTimeout{5};

// Ready when there is no reason not to be. A reason is one sentence without secrets, for example
// "no routes from the broker yet". What is degraded takes no traffic away: another replica would
// fare no better.
struct Readiness {
  std::vector<std::string> reasons = {};
  std::vector<std::string> degraded = {};
};

// The functions run on the server's thread, also while the program is busy: they must be
// thread-safe and must not block. What they throw becomes a 500.
struct AdminOptions {
  std::string address = {};  // IP:port, [IPv6]:port or localhost:port; port 0 picks a free one.
  std::function<Readiness()> readiness = {};
  // Registries and other sources of metrics. One that has died is left out.
  std::vector<std::weak_ptr<prometheus::Collectable>> collectables = {};
  std::function<std::string()> status_json = {};  // See status_report.h: ToJson(StatusReport).
  std::string title = {};                         // Of the page, for example "connector-broker".
  std::chrono::milliseconds head_timeout = kHeadTimeout;    // To read a whole head.
  std::chrono::milliseconds write_timeout = kWriteTimeout;  // To write a whole answer.
};

class AdminServer {
 public:
  explicit AdminServer(AdminOptions options);
  ~AdminServer();  // Stops.
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  // Opens the port and starts the thread. Once only.
  //
  // Errors: kInvalidArgument (the address does not parse), kUnavailable (it cannot be bound; the
  // message names address and reason).
  [[nodiscard]] Result<Done> Start();

  // Closes the port and every connection, and waits for the thread. Idempotent; not from one of the
  // functions in AdminOptions.
  void Stop();

  // The bound port; 0 before Start.
  [[nodiscard]] std::uint16_t port() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace connector::admin
