#pragma once

// Worker: everything that one thread of the data plane owns. Requests are served from start to end
// on the worker that accepted them; nothing here is locked, and nothing here is shared but the
// grant cache, the route table and the sealing keys that it points to.

#include "common/async/one_shot.h"
#include "common/crypto/seal.h"
#include "common/log/log.h"
#include "dataplane/net/buffer_pool.h"
#include "dataplane/net/timers.h"
#include "dataplane/routes/route_table.h"
#include "dataplane/server/access_log.h"
#include "dataplane/server/counters.h"
#include "dataplane/server/edge_budgets.h"
#include "dataplane/server/recent_errors.h"
#include "dataplane/server/request_ids.h"
#include "dataplane/server/scratch.h"
#include "dataplane/token/grant_cache.h"
#include "dataplane/upstream/pool.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace connector::dataplane::server {

// What the configuration says, with its defaults. Shared by all workers, never changed.
struct ServerSettings {
  std::vector<std::string> host_suffixes;  // Beside svc and svc.DOMAIN.
  std::vector<std::string> certified_suffixes;
  std::uint32_t max_connections = 8192;
  std::uint32_t max_connections_per_address = 0;  // 0: as many as are still free.
  // Of one address, whose new tokens wait when it has more.
  std::uint32_t refused_tokens_per_second = token::kRefusalsPerSecond;
  std::chrono::milliseconds head_timeout{10'000};
  std::chrono::milliseconds keepalive_timeout{75'000};
  std::chrono::milliseconds idle_timeout{60'000};
  // Bytes per second that a client has to take or send while the data plane waits for it, averaged
  // over idle_timeout.
  std::uint64_t min_client_rate = 1024;
  std::chrono::milliseconds drain_timeout{30'000};
  // For the route of a new grant's epoch. A push takes milliseconds, and brokers that read a
  // directory see a change within a second of each other.
  std::chrono::milliseconds route_wait{2000};
};

// Shared by all workers.
struct WorkerShared {
  const ServerSettings& settings;
  token::GrantCache& grants;
  log::Logger& logger;
  RecentServerErrors& recent_errors;
  EdgeBudgets& budgets;
};

struct Worker {
  Worker(asio::io_context& context, const WorkerShared& all, int access_log_fd)
      : io(context), shared(all), timers(context), pool(timers), access_log(access_log_fd) {}

  asio::io_context& io;
  WorkerShared shared;
  net::Timers timers;
  net::BufferPool buffers;
  ScratchPool scratches;
  upstream::ConnectionPool pool;
  AccessLog access_log;
  RequestIds request_ids;
  Counters counters;  // Written by this worker, read by the metrics page.
  std::shared_ptr<const routes::RouteTable> routes = std::make_shared<routes::RouteTable>();
  std::shared_ptr<const crypto::SealKeys> sealing_keys = std::make_shared<crypto::SealKeys>();
  std::array<char, 16 * 1024> discarded{};  // What clients send that nobody reads.
  // Set when `routes` is replaced, and replaced itself.
  std::shared_ptr<OneShot<Done>> routes_changed = std::make_shared<OneShot<Done>>();
  bool draining = false;

  // On this worker's thread. What the routes of before left behind goes with them.
  void TakeRoutes(std::shared_ptr<const routes::RouteTable> table) {
    routes = std::move(table);
    pool.Retain([this](const upstream::PoolKey& key) {
      const auto route = routes->Find(key.connector);
      return route != nullptr && route->profile == key.profile;
    });
    std::exchange(routes_changed, std::make_shared<OneShot<Done>>())->Set(Done{});
  }
};

}  // namespace connector::dataplane::server
