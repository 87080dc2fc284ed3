#include "broker/app/metrics.h"

#include "common/base/locked_arena.h"
#include "common/base/secret_place.h"
#include "common/metrics/families.h"

#include <string>

namespace connector::broker::app {

std::vector<prometheus::MetricFamily> SecretMemoryMetrics() {
  const ArenaStats arena = LockedArenaStats();
  const std::string kind = arena.kind == ArenaKind::kMemfdSecret ? "memfd_secret"
                           : arena.kind == ArenaKind::kLocked    ? "locked"
                                                                 : "heap";
  metrics::Families out;
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
  out.Counter("connector_broker_secret_arena_token_fallbacks_total",
              "Upstream tokens that did not fit beside the part of locked memory that is kept for "
              "stored secrets, and went to the heap.",
              static_cast<double>(TokenFallbacks()));
  return out.Take();
}

}  // namespace connector::broker::app
