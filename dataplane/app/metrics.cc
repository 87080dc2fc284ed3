#include "dataplane/app/metrics.h"

#include "common/base/locked_arena.h"

#include <prometheus/metric_family.h>

#include <limits>
#include <string>
#include <utility>

namespace connector::dataplane::app {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using server::Counter;
using server::Counters;

using Labels = std::vector<ClientMetric::Label>;

class Families {
 public:
  explicit Families(std::vector<const Counters*> cores) : cores_(std::move(cores)) {}

  MetricFamily& Start(const std::string& name, const std::string& help, MetricType type) {
    families_.push_back({name, help, type, {}});
    return families_.back();
  }

  static void Add(MetricFamily& family, double value, Labels labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    if (family.type == MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
    family.metric.push_back(std::move(metric));
  }

  void Total(const std::string& name, const std::string& help, Counter Counters::*counter) {
    Add(Start(name, help, MetricType::Counter), Sum(counter));
  }

  [[nodiscard]] double Sum(Counter Counters::*counter) const {
    std::uint64_t sum = 0;
    for (const Counters* core : cores_) {
      sum += (core->*counter).Get();
    }
    return static_cast<double>(sum);
  }

  [[nodiscard]] const std::vector<const Counters*>& cores() const { return cores_; }
  std::vector<MetricFamily> Take() { return std::move(families_); }

 private:
  std::vector<const Counters*> cores_;
  std::vector<MetricFamily> families_;
};

void AddResponses(Families& out) {
  MetricFamily& family = out.Start("connector_dataplane_responses_total",
                                   "Answers to clients, by status class.",
                                   MetricType::Counter);
  for (std::size_t i = 1; i <= 5; ++i) {
    std::uint64_t sum = 0;
    for (const Counters* core : out.cores()) {
      sum += core->responses_by_class[i].Get();
    }
    Families::Add(family, static_cast<double>(sum), {{"class", std::to_string(i) + "xx"}});
  }
}

void AddLatency(Families& out) {
  MetricFamily& family = out.Start("connector_dataplane_first_byte_seconds",
                                   "From a request's head to the first byte of its answer.",
                                   MetricType::Histogram);
  ClientMetric metric;
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i <= server::kLatencyBounds.size(); ++i) {
    for (const Counters* core : out.cores()) {
      cumulative += core->first_byte_seconds[i].Get();
    }
    const double bound = i < server::kLatencyBounds.size()
                             ? server::kLatencyBounds[i]
                             : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({cumulative, bound});
  }
  metric.histogram.sample_count = cumulative;
  metric.histogram.sample_sum = out.Sum(&Counters::first_byte_micros_sum) / 1e6;
  family.metric.push_back(std::move(metric));
}

void AddTraffic(Families& out) {
  MetricFamily& bytes = out.Start("connector_dataplane_body_bytes_total",
                                  "Body bytes moved, down to clients and up to registries.",
                                  MetricType::Counter);
  Families::Add(bytes, out.Sum(&Counters::bytes_down), {{"direction", "down"}});
  Families::Add(bytes, out.Sum(&Counters::bytes_up), {{"direction", "up"}});
  out.Total("connector_dataplane_denied_total",
            "Requests refused by our own decision: 401, 403, 404.",
            &Counters::denied);
  out.Total("connector_dataplane_malformed_requests_total",
            "Requests that are not strict HTTP/1.1.",
            &Counters::malformed_requests);
  out.Total("connector_dataplane_tls_on_plain_port_total",
            "TLS ClientHellos on a plain listener.",
            &Counters::tls_on_plain_port);
  out.Total("connector_dataplane_upstream_connects_total",
            "New connections to registries and blob stores.",
            &Counters::upstream_connects);
  out.Total("connector_dataplane_upstream_retries_total",
            "Requests repeated because a reused connection had died.",
            &Counters::upstream_retries);
  out.Total("connector_dataplane_token_retries_total",
            "Requests repeated with a new token after an upstream 401.",
            &Counters::token_retries);
  out.Total("connector_dataplane_redirects_followed_total",
            "Blob redirects followed inside.",
            &Counters::redirects_followed);
  out.Total("connector_dataplane_connections_accepted_total",
            "Client connections accepted.",
            &Counters::connections_accepted);
  out.Total("connector_dataplane_connections_refused_total",
            "Client connections refused because limits.maxConnections was reached.",
            &Counters::connections_refused);
}

void AddTokens(Families& out, const token::CacheStats& stats) {
  Families::Add(
      out.Start("connector_dataplane_token_cache_entries", "Grants held.", MetricType::Gauge),
      static_cast<double>(stats.entries));
  MetricFamily& lookups = out.Start(
      "connector_dataplane_token_cache_lookups_total", "Lookups of a grant.", MetricType::Counter);
  Families::Add(lookups, static_cast<double>(stats.hits), {{"result", "hit"}});
  Families::Add(lookups, static_cast<double>(stats.misses), {{"result", "miss"}});
  Families::Add(out.Start("connector_dataplane_token_refreshes_total",
                          "Grants fetched ahead of their end.",
                          MetricType::Counter),
                static_cast<double>(stats.refreshes));
}

void AddRoutes(Families& out, const routes::WatchStatus& status, const routes::RouteTable& routes) {
  Families::Add(out.Start("connector_dataplane_route_stream_connected",
                          "1 while the route stream from the broker is up.",
                          MetricType::Gauge),
                status.connected ? 1 : 0);
  Families::Add(out.Start("connector_dataplane_route_stream_reconnects_total",
                          "Attempts to open the route stream again.",
                          MetricType::Counter),
                static_cast<double>(status.reconnects));
  Families::Add(out.Start("connector_dataplane_route_updates_total",
                          "Messages of the route stream applied.",
                          MetricType::Counter),
                static_cast<double>(status.updates));
  MetricFamily& classes = out.Start(
      "connector_dataplane_routes", "Connectors served, by secret class.", MetricType::Gauge);
  for (const std::string name : {"none", "derived", "bounded", "static"}) {
    double count = 0;
    for (const auto& [ref, route] : routes.routes) {
      count += route->secret_class == name ? 1 : 0;
    }
    Families::Add(classes, count, {{"secret_class", name}});
  }
}

}  // namespace

std::vector<MetricFamily> Metrics::Collect() const {
  const server::ServerSnapshot snapshot = sources_.server.Snapshot();
  Families out(snapshot.counters);
  AddResponses(out);
  AddLatency(out);
  AddTraffic(out);
  Families::Add(
      out.Start("connector_dataplane_connections", "Client connections open.", MetricType::Gauge),
      static_cast<double>(snapshot.connections));
  AddTokens(out, sources_.grants.Stats());
  AddRoutes(out, sources_.watcher.Status(), *sources_.routes());
  const ArenaStats arena = LockedArenaStats();
  Families::Add(out.Start("connector_dataplane_secret_arena_used_bytes",
                          "Locked memory that holds tokens.",
                          MetricType::Gauge),
                static_cast<double>(arena.used_bytes));
  Families::Add(out.Start("connector_dataplane_secret_arena_fallbacks_total",
                          "Tokens that did not fit into locked memory.",
                          MetricType::Counter),
                static_cast<double>(arena.heap_fallbacks));
  return out.Take();
}

}  // namespace connector::dataplane::app
