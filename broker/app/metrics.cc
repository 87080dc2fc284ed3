#include "broker/app/metrics.h"

#include "common/base/locked_arena.h"
#include "common/metrics/buckets.h"
#include "common/metrics/families.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <utility>

namespace connector::broker::app {
namespace {

std::string OutcomeName(v1::DenialReason reason) {
  std::string name =
      reason == v1::DENIAL_REASON_UNSPECIFIED ? "granted" : authorization::ReasonName(reason);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return name;
}

prometheus::Family<prometheus::Counter>& Counters(prometheus::Registry& registry,
                                                  const std::string& name,
                                                  const std::string& help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

void CollectConnectors(const connectors::CatalogSnapshot& snapshot, metrics::Families& out) {
  constexpr std::array kClasses = {resource::SecretClass::kNone,
                                   resource::SecretClass::kDerived,
                                   resource::SecretClass::kBounded,
                                   resource::SecretClass::kStatic};
  std::array<int, kClasses.size()> counts{};
  int with_problem = 0;
  for (const auto& [ref, entry] : snapshot.entries) {
    ++counts.at(static_cast<std::size_t>(resource::ClassOf(entry->connector->auth.kind)));
    with_problem += entry->problem.empty() ? 0 : 1;
  }
  for (const resource::SecretClass each : kClasses) {
    out.Gauge("connector_broker_connectors",
              "Connectors in force, by how much a stolen data plane would hold.",
              {{"class", std::string(resource::ToString(each))}},
              counts.at(static_cast<std::size_t>(each)));
  }
  out.Gauge("connector_broker_connectors_with_problem",
            "Connectors whose Secret or CA cannot be used.",
            {},
            with_problem);
}

void CollectArena(metrics::Families& out) {
  const ArenaStats arena = LockedArenaStats();
  const std::string kind = arena.kind == ArenaKind::kMemfdSecret ? "memfd_secret"
                           : arena.kind == ArenaKind::kLocked    ? "locked"
                                                                 : "heap";
  out.Gauge("connector_broker_secret_arena_capacity_bytes",
            "Locked memory for secrets, by where it comes from.",
            {{"kind", kind}},
            static_cast<double>(arena.capacity_bytes));
  out.Gauge("connector_broker_secret_arena_used_bytes",
            "Locked memory for secrets that is in use.",
            {},
            static_cast<double>(arena.used_bytes));
  out.Counter("connector_broker_secret_arena_heap_fallbacks_total",
              "Secrets that did not fit into locked memory and went to the heap.",
              static_cast<double>(arena.heap_fallbacks));
}

}  // namespace

bool IsCallersDoing(v1::DenialReason reason) {
  return reason == v1::DENIAL_REASON_CALLER_UNAUTHENTICATED ||
         reason == v1::DENIAL_REASON_CONNECTOR_NOT_FOUND ||
         reason == v1::DENIAL_REASON_ACCESS_DENIED || reason == v1::DENIAL_REASON_INVALID_REQUEST;
}

RequestMetrics::RequestMetrics(prometheus::Registry& registry)
    : duration_(prometheus::BuildHistogram()
                    .Name("connector_broker_issue_duration_seconds")
                    .Help("Time from an IssueToken request to its answer, audit included.")
                    .Register(registry)
                    .Add({}, metrics::LatencyBuckets())),
      verified_(Counters(registry,
                         "connector_broker_caller_verifications_total",
                         "Caller tokens that were checked, by outcome.")),
      refreshed_(Counters(registry,
                          "connector_broker_issuer_key_refreshes_total",
                          "Attempts to read an issuer's keys anew, by result.")) {
  auto& issued =
      Counters(registry, "connector_broker_issue_total", "IssueToken decisions, by outcome.");
  for (int reason = 0; reason < v1::DenialReason_ARRAYSIZE; ++reason) {
    issued_.push_back(
        &issued.Add({{"outcome", OutcomeName(static_cast<v1::DenialReason>(reason))}}));
  }
}

void RequestMetrics::Issued(const api::IssueOutcome& outcome) {
  issued_.at(static_cast<std::size_t>(outcome.reason))->Increment();
  duration_.Observe(std::chrono::duration<double>(outcome.took).count());
}

void RequestMetrics::Verified(callers::VerifyOutcome outcome) {
  verified_.Add({{"outcome", std::string(callers::ToString(outcome))}}).Increment();
}

void RequestMetrics::KeysRefreshed(const callers::KeyRefresh& refresh) {
  refreshed_.Add({{"result", refresh.ok ? "ok" : "failed"}}).Increment();
}

RequestMetrics::Totals RequestMetrics::totals() const {
  Totals totals;
  for (std::size_t reason = 0; reason < issued_.size(); ++reason) {
    const auto count = static_cast<std::uint64_t>(issued_[reason]->Value());
    if (reason == v1::DENIAL_REASON_UNSPECIFIED) {
      totals.granted += count;
    } else if (IsCallersDoing(static_cast<v1::DenialReason>(reason))) {
      totals.denied += count;
    } else {
      totals.failed += count;
    }
  }
  return totals;
}

std::vector<prometheus::MetricFamily> StateMetrics::Collect() const {
  metrics::Families families;
  CollectConnectors(*catalog_.Current(), families);
  CollectArena(families);
  families.Gauge("connector_broker_watch_streams",
                 "Open WatchRoutes streams: one per data plane that follows this broker.",
                 {},
                 static_cast<double>(hub_.streams()));
  const audit::AuditStatus audit = audit_.Status();
  families.Gauge("connector_broker_audit_head",
                 "Sequence number of the last durable audit record.",
                 {},
                 static_cast<double>(audit.head.seq));
  families.Gauge("connector_broker_audit_writable",
                 "1 when the last batch of audit records could be written, else 0.",
                 {},
                 audit.problem.empty() ? 1 : 0);
  return families.Take();
}

}  // namespace connector::broker::app
