#pragma once

// Server: the threads, listeners and shutdown of the data plane. One thread, one io_context and one
// acceptor per listener for each worker (SO_REUSEPORT); it knows nothing of brokers or registries.

#include "common/base/result.h"
#include "dataplane/certificates/certificate_cache.h"
#include "dataplane/server/listener.h"
#include "dataplane/server/worker.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace connector::dataplane::server {

struct ServerOptions {
  std::vector<ListenerOptions> listeners;
  unsigned threads = 1;
  ServerSettings settings;
  int access_log_fd = 1;
};

struct ServerSnapshot {
  std::size_t connections = 0;
  std::vector<const Counters*> counters;  // One per worker; live, read with relaxed loads.
};

class Server {
 public:
  // `certificates` is null where no listener has `from_broker`. All outlive it.
  Server(ServerOptions options,
         token::GrantCache& grants,
         log::Logger& logger,
         certificates::CertificateCache* certificates = nullptr);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Opens every listener and starts the threads. Errors: kInvalidArgument (address or certificate),
  // kUnavailable (the address is taken); the message says which and what to do.
  [[nodiscard]] Result<Done> Start();

  // The ports bound, in the order of the listeners.
  [[nodiscard]] std::vector<std::uint16_t> ports() const;

  // Every core uses `table` from its next request on. Any thread, but only after Start: before,
  // there is no core that could keep it.
  void PublishRoutes(std::shared_ptr<const routes::RouteTable> table);

  // The same for the keys that seal what clients carry.
  void PublishSealingKeys(std::shared_ptr<const crypto::SealKeys> keys);

  // Stops accepting, closes idle connections, waits for requests under way up to the drain timeout,
  // then closes what is left. Returns when all threads have ended.
  void Drain();

  // Any thread, also before Start and after Drain; without workers until Start has succeeded.
  [[nodiscard]] ServerSnapshot Snapshot() const;
  [[nodiscard]] const RecentServerErrors& recent_errors() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace connector::dataplane::server
