#pragma once

// Core: everything that one thread of the data plane owns. Requests are served from start to end on
// the core that accepted them; nothing here is locked, and nothing here is shared but the grant
// cache and the route table that it points to.

#include "common/log/log.h"
#include "dataplane/net/buffer_pool.h"
#include "dataplane/net/timers.h"
#include "dataplane/routes/route_table.h"
#include "dataplane/server/access_log.h"
#include "dataplane/server/counters.h"
#include "dataplane/server/recent_errors.h"
#include "dataplane/server/request_ids.h"
#include "dataplane/server/scratch.h"
#include "dataplane/token/cache.h"
#include "dataplane/upstream/pool.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace connector::dataplane::server {

// What the configuration says, with its defaults. Shared by all cores, never changed.
struct Settings {
  std::vector<std::string> host_suffixes;
  std::uint32_t max_connections = 8192;
  std::chrono::milliseconds head_timeout{10'000};
  std::chrono::milliseconds keepalive_timeout{75'000};
  std::chrono::milliseconds idle_timeout{60'000};
  std::chrono::milliseconds drain_timeout{30'000};
};

// Shared by all cores.
struct Shared {
  const Settings& settings;
  token::Cache& grants;
  log::Logger& logger;
  RecentErrors& recent_errors;
  std::atomic<std::uint32_t>& connections;
};

struct Core {
  Core(asio::io_context& context, const Shared& all, int access_log_fd)
      : io(context), shared(all), timers(context), pool(timers), access_log(access_log_fd) {}

  asio::io_context& io;
  Shared shared;
  net::Timers timers;
  net::BufferPool buffers;
  ScratchPool scratches;
  upstream::Pool pool;
  AccessLog access_log;
  RequestIds request_ids;
  Counters counters;  // Written by this core, read by the metrics page.
  std::shared_ptr<const routes::RouteTable> routes = std::make_shared<routes::RouteTable>();
  bool draining = false;
};

}  // namespace connector::dataplane::server
