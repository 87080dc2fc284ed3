#include "dataplane/app/status.h"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace connector::dataplane::app {
namespace {

using RecentErrors = std::vector<server::RecentServerError>;

std::string LastErrorOf(const std::string& connector, const RecentErrors& newest_first) {
  for (const server::RecentServerError& error : newest_first) {
    if (error.connector == connector) {
      return error.message;
    }
  }
  return {};
}

std::vector<admin::ConnectorStatus> ConnectorRows(const routes::RouteTable& table,
                                                  const RecentErrors& errors) {
  std::vector<admin::ConnectorStatus> rows;
  for (const auto& [ref, route] : table.routes) {
    admin::ConnectorStatus row{.name = ref.ToString(),
                               .address = route->origin.ToString(),
                               .secret_class = route->secret_class,
                               .health = "ok"};
    row.requests = route->stats->requests.load();
    row.bytes = route->stats->bytes_down.load() + route->stats->bytes_up.load();
    row.last_error = LastErrorOf(row.name, errors);
    rows.push_back(std::move(row));
  }
  return rows;
}

admin::Totals TotalsOf(const server::ServerSnapshot& snapshot) {
  admin::Totals totals;
  std::uint64_t down = 0;
  std::uint64_t up = 0;
  for (const server::Counters* core : snapshot.counters) {
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
  return totals;
}

}  // namespace

void AddStatus(const DataplaneSources& sources,
               const std::string& broker_address,
               admin::StatusReport& status) {
  const routes::WatchStatus stream = sources.watcher.Status();
  const RecentErrors errors = sources.server.recent_errors().List();
  const token::CacheStats cache = sources.grants.Stats();
  status.connectors = ConnectorRows(*sources.watcher.Current(), errors);
  status.totals = TotalsOf(sources.server.Snapshot());
  status.token_cache = {.entries = cache.entries, .hits = cache.hits, .misses = cache.misses};
  for (const server::RecentServerError& error : errors) {
    status.errors.push_back({error.time, error.connector, error.message});
  }
  status.sections.push_back(
      {"Broker",
       {{"Address", broker_address},
        {"Route stream", stream.connected ? "connected" : "down: " + stream.problem},
        {"Route updates", std::to_string(stream.updates)},
        {"Reconnects", std::to_string(stream.reconnects)}}});
}

}  // namespace connector::dataplane::app
