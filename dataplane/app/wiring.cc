#include "dataplane/app/wiring.h"

#include "common/admin/admin_server.h"
#include "common/admin/status_report.h"
#include "common/base/version.h"
#include "common/broker_client/channel.h"
#include "common/metrics/process_metrics.h"
#include "dataplane/app/metrics.h"
#include "dataplane/routes/route_watcher.h"
#include "dataplane/token/grant_cache.h"
#include "dataplane/token/grpc_issuer.h"

#include <grpcpp/channel.h>

#include <atomic>
#include <mutex>
#include <string>
#include <utility>

namespace connector::dataplane::app {

// Members are in the order of construction; they end in the reverse order, so that whoever calls
// back ends before what it calls. Grants that are waited for are answered when `broker` ends.
struct Dataplane::Impl {
  Impl(DataplaneOptions from, log::Logger& log)
      : options(std::move(from)),
        logger(log),
        channel(broker_client::MakeBrokerChannel(
            {options.broker_address, options.broker_tls, options.broker_server_name},
            broker_client::ChannelUse::kTokens)),
        broker(std::make_unique<token::GrpcIssuer>(channel, options.broker_timeout)),
        grants(*broker, options.token_cache_entries),
        server(options.server, grants, log) {}

  std::shared_ptr<const routes::RouteTable> CurrentRoutes() const {
    const std::lock_guard lock(mutex);
    return routes;
  }
  [[nodiscard]] admin::Readiness Ready() const;
  [[nodiscard]] std::string StatusJson() const;

  DataplaneOptions options;
  log::Logger& logger;
  std::chrono::system_clock::time_point started_at = std::chrono::system_clock::now();
  std::atomic<bool> draining{false};
  mutable std::mutex mutex;
  std::shared_ptr<const routes::RouteTable> routes = std::make_shared<routes::RouteTable>();

  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<token::GrpcIssuer> broker;
  token::GrantCache grants;
  server::Server server;
  std::unique_ptr<routes::RouteWatcher> watcher;
  std::shared_ptr<DataplaneMetrics> metrics;
  std::shared_ptr<metrics::ProcessMetrics> process_metrics;
  std::unique_ptr<admin::AdminServer> admin;
};

admin::Readiness Dataplane::Impl::Ready() const {
  admin::Readiness readiness;
  if (draining) {
    readiness.reasons.push_back("draining: this data plane is about to stop");
  }
  if (!watcher->Status().synced) {
    readiness.reasons.push_back("no routes from the broker at " + options.broker_address + " yet");
  }
  return readiness;
}

std::string Dataplane::Impl::StatusJson() const {
  admin::StatusReport status{.program = "connector-dataplane", .version = kVersion};
  status.started_at = started_at;
  status.reasons = Ready().reasons;
  const routes::WatchStatus stream = watcher->Status();
  const std::vector<server::RecentServerError> errors = server.recent_errors().List();
  for (const auto& [ref, route] : CurrentRoutes()->routes) {
    admin::ConnectorStatus row{.name = ref.ToString(),
                               .address = route->origin.ToString(),
                               .secret_class = route->secret_class,
                               .health = "ok"};
    row.requests = route->stats->requests.load();
    row.bytes = route->stats->bytes_down.load() + route->stats->bytes_up.load();
    for (const server::RecentServerError& error : errors) {
      if (error.connector == row.name) {
        row.last_error = error.message;
        break;
      }
    }
    status.connectors.push_back(std::move(row));
  }
  admin::Totals totals;
  std::uint64_t down = 0;
  std::uint64_t up = 0;
  for (const server::Counters* core : server.Snapshot().counters) {
    for (std::size_t i = 1; i <= 5; ++i) {
      totals.requests += core->responses_by_class[i].Get();
    }
    totals.denied += core->denied.Get();
    totals.errors += core->responses_by_class[5].Get();
    down += core->bytes_down.Get();
    up += core->bytes_up.Get();
  }
  totals.bytes_down = down;
  totals.bytes_up = up;
  status.totals = totals;
  const token::CacheStats cache = grants.Stats();
  status.token_cache = {.entries = cache.entries, .hits = cache.hits, .misses = cache.misses};
  for (const server::RecentServerError& error : errors) {
    status.errors.push_back({error.time, error.connector, error.message});
  }
  status.sections.push_back({"Broker",
                             {{"Address", options.broker_address},
                              {"Route stream", stream.connected ? "connected" : "down"},
                              {"Route updates", std::to_string(stream.updates)},
                              {"Reconnects", std::to_string(stream.reconnects)}}});
  return admin::ToJson(status);
}

Dataplane::Dataplane(DataplaneOptions options, log::Logger& logger)
    : impl_(std::make_unique<Impl>(std::move(options), logger)) {}

Dataplane::~Dataplane() {
  Stop();
}

Result<Done> Dataplane::Start() {
  Impl* const impl = impl_.get();
  Result<Done> serving = impl->server.Start();
  if (!serving) {
    return serving;
  }
  impl->watcher = std::make_unique<routes::RouteWatcher>(
      impl->channel,
      [impl](std::shared_ptr<const routes::RouteTable> table) {
        {
          const std::lock_guard lock(impl->mutex);
          impl->routes = table;
        }
        impl->server.PublishRoutes(std::move(table));
      },
      impl->logger);
  impl->metrics = std::make_shared<DataplaneMetrics>(MetricSources{
      .server = impl->server, .grants = impl->grants, .watcher = *impl->watcher, .routes = [impl] {
        return impl->CurrentRoutes();
      }});
  impl->process_metrics = std::make_shared<metrics::ProcessMetrics>("dataplane", kVersion);
  impl->admin = std::make_unique<admin::AdminServer>(
      admin::AdminOptions{.address = impl->options.admin_address,
                          .readiness = [impl] { return impl->Ready(); },
                          .collectables = {impl->metrics, impl->process_metrics},
                          .status_json = [impl] { return impl->StatusJson(); },
                          .title = "connector-dataplane"});
  return impl->admin->Start();
}

void Dataplane::Stop() {
  if (impl_->draining.exchange(true)) {
    return;
  }
  impl_->server.Drain();
  if (impl_->admin) {
    impl_->admin->Stop();
  }
  impl_->watcher.reset();
  impl_->broker.reset();
}

std::vector<std::uint16_t> Dataplane::ports() const {
  return impl_->server.ports();
}
std::uint16_t Dataplane::admin_port() const {
  return impl_->admin->port();
}

}  // namespace connector::dataplane::app
