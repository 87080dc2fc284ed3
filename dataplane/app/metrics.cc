#include "dataplane/app/metrics.h"

#include "common/base/locked_arena.h"
#include "common/base/secret_place.h"
#include "common/metrics/families.h"

#include <limits>
#include <string>
#include <utility>

namespace connector::dataplane::app {
namespace {

using metrics::Families;
using server::Counter;
using server::Counters;

// The counters of all workers.
class WorkerTotals {
 public:
  explicit WorkerTotals(std::vector<const Counters*> workers) : workers_(std::move(workers)) {}

  template <typename Read>
  [[nodiscard]] std::uint64_t Sum(Read read) const {
    std::uint64_t sum = 0;
    for (const Counters* worker : workers_) {
      sum += read(*worker).Get();
    }
    return sum;
  }
  [[nodiscard]] double Of(Counter Counters::*counter) const {
    return static_cast<double>(
        Sum([counter](const Counters& of) -> const Counter& { return of.*counter; }));
  }

 private:
  std::vector<const Counters*> workers_;
};

void AddResponses(const WorkerTotals& totals, Families& out) {
  for (std::size_t i = 1; i <= 5; ++i) {
    const auto sum =
        totals.Sum([i](const Counters& of) -> const Counter& { return of.responses_by_class[i]; });
    out.Counter("connector_dataplane_responses_total",
                "Answers to clients, by status class.",
                {{"class", std::to_string(i) + "xx"}},
                static_cast<double>(sum));
  }
}

void AddLatency(const WorkerTotals& totals, Families& out) {
  prometheus::ClientMetric::Histogram histogram;
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i <= server::kLatencyBounds.size(); ++i) {
    cumulative +=
        totals.Sum([i](const Counters& of) -> const Counter& { return of.first_byte_seconds[i]; });
    const double bound = i < server::kLatencyBounds.size()
                             ? server::kLatencyBounds[i]
                             : std::numeric_limits<double>::infinity();
    histogram.bucket.push_back({cumulative, bound});
  }
  histogram.sample_count = cumulative;
  histogram.sample_sum = totals.Of(&Counters::first_byte_micros_sum) / 1e6;
  out.Histogram("connector_dataplane_first_byte_seconds",
                "From a request's head to the first byte of its answer.",
                std::move(histogram));
}

void AddTraffic(const WorkerTotals& totals, Families& out) {
  const std::string bytes = "connector_dataplane_body_bytes_total";
  const std::string bytes_help = "Body bytes moved, down to clients and up to registries.";
  out.Counter(bytes, bytes_help, {{"direction", "down"}}, totals.Of(&Counters::bytes_down));
  out.Counter(bytes, bytes_help, {{"direction", "up"}}, totals.Of(&Counters::bytes_up));
  out.Counter("connector_dataplane_denied_total",
              "Requests refused by our own decision: 401, 403, 404.",
              totals.Of(&Counters::denied));
  out.Counter("connector_dataplane_malformed_requests_total",
              "Requests that are not strict HTTP/1.1.",
              totals.Of(&Counters::malformed_requests));
  out.Counter("connector_dataplane_tls_on_plain_port_total",
              "TLS ClientHellos on a plain listener.",
              totals.Of(&Counters::tls_on_plain_port));
  out.Counter("connector_dataplane_upstream_connects_total",
              "New connections to registries and blob stores.",
              totals.Of(&Counters::upstream_connects));
  out.Counter("connector_dataplane_upstream_retries_total",
              "Requests repeated because a reused connection had died.",
              totals.Of(&Counters::upstream_retries));
  out.Counter("connector_dataplane_token_retries_total",
              "Requests repeated with a new token after an upstream 401.",
              totals.Of(&Counters::token_retries));
  out.Counter("connector_dataplane_redirects_followed_total",
              "Blob redirects followed inside.",
              totals.Of(&Counters::redirects_followed));
  out.Counter("connector_dataplane_connections_accepted_total",
              "Client connections accepted.",
              totals.Of(&Counters::connections_accepted));
  out.Counter(
      "connector_dataplane_connections_refused_total",
      "Client connections refused because limits.maxConnections was reached, or the share of "
      "their address, and none gave way.",
      totals.Of(&Counters::connections_refused));
  out.Counter("connector_dataplane_connections_evicted_total",
              "Waiting client connections closed so that others could be served.",
              totals.Of(&Counters::connections_evicted));
  out.Counter("connector_dataplane_lingering_closes_refused_total",
              "Connections closed at once after a refusal, because too many were being read empty.",
              totals.Of(&Counters::lingering_refused));
  const std::string unasked = "connector_dataplane_tokens_refused_unasked_total";
  const std::string unasked_help =
      "Requests whose token was refused without asking the broker: it was refused a moment ago "
      "(again), or limits.refusedTokensPerSecond of its address was used up (address).";
  out.Counter(
      unasked, unasked_help, {{"reason", "again"}}, totals.Of(&Counters::tokens_refused_again));
  out.Counter(
      unasked, unasked_help, {{"reason", "address"}}, totals.Of(&Counters::tokens_of_full_address));
}

void AddTokens(const token::CacheStats& stats, Families& out) {
  out.Gauge("connector_dataplane_token_cache_entries",
            "Grants held.",
            {},
            static_cast<double>(stats.entries));
  const std::string lookups = "connector_dataplane_token_cache_lookups_total";
  out.Counter(lookups, "Lookups of a grant.", {{"result", "hit"}}, static_cast<double>(stats.hits));
  out.Counter(
      lookups, "Lookups of a grant.", {{"result", "miss"}}, static_cast<double>(stats.misses));
  out.Counter("connector_dataplane_token_refreshes_total",
              "Grants fetched ahead of their end.",
              static_cast<double>(stats.refreshes));
}

void AddCertificates(const WorkerTotals& totals,
                     const certificates::CertificateStats& stats,
                     Families& out) {
  out.Gauge("connector_dataplane_listener_certificates",
            "Valid listener certificates of the broker held, one for each host that clients asked "
            "for.",
            {},
            static_cast<double>(stats.held));
  const std::string asked = "connector_dataplane_listener_certificate_requests_total";
  const std::string asked_help = "Listener certificates asked of the broker.";
  out.Counter(asked, asked_help, {{"result", "issued"}}, static_cast<double>(stats.issued));
  out.Counter(asked, asked_help, {{"result", "failed"}}, static_cast<double>(stats.failed));
  out.Counter("connector_dataplane_tls_names_unknown_total",
              "TLS handshakes refused because no connector has the name that the client asked for.",
              totals.Of(&Counters::tls_names_unknown));
}

void AddRoutes(const routes::WatchStatus& status, const routes::RouteTable& routes, Families& out) {
  out.Gauge("connector_dataplane_route_stream_connected",
            "1 while the route stream from the broker is up.",
            {},
            status.connected ? 1 : 0);
  out.Counter("connector_dataplane_route_stream_reconnects_total",
              "Attempts to open the route stream again.",
              static_cast<double>(status.reconnects));
  out.Counter("connector_dataplane_route_updates_total",
              "Messages of the route stream applied.",
              static_cast<double>(status.updates));
  for (const std::string name : {"none", "derived", "bounded", "static"}) {
    double count = 0;
    for (const auto& [ref, route] : routes.routes) {
      count += route->secret_class == name ? 1 : 0;
    }
    out.Gauge("connector_dataplane_routes",
              "Connectors served, by secret class.",
              {{"secret_class", name}},
              count);
  }
}

}  // namespace

std::vector<prometheus::MetricFamily> DataplaneFamilies(const DataplaneSources& sources) {
  const server::ServerSnapshot snapshot = sources.server.Snapshot();
  const WorkerTotals totals(snapshot.counters);
  Families out;
  AddResponses(totals, out);
  AddLatency(totals, out);
  AddTraffic(totals, out);
  out.Gauge("connector_dataplane_connections",
            "Client connections open.",
            {},
            static_cast<double>(snapshot.connections));
  AddTokens(sources.grants.Stats(), out);
  if (sources.certificates != nullptr) {
    AddCertificates(totals, sources.certificates->Stats(), out);
  }
  AddRoutes(sources.watcher.Status(), *sources.watcher.Current(), out);
  const ArenaStats arena = LockedArenaStats();
  out.Gauge("connector_dataplane_secret_arena_used_bytes",
            "Locked memory that holds tokens.",
            {},
            static_cast<double>(arena.used_bytes));
  out.Counter("connector_dataplane_secret_arena_fallbacks_total",
              "Tokens that did not fit into locked memory.",
              static_cast<double>(arena.heap_fallbacks + TokenFallbacks()));
  return out.Take();
}

}  // namespace connector::dataplane::app
