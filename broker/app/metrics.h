#pragma once

// What the broker tells Prometheus beside what each part tells by itself. Labels have a fixed set
// of values.

#include "broker/api/issue_token_handler.h"
#include "broker/api/watch_hub.h"
#include "broker/audit/file_audit_log.h"
#include "broker/callers/key_refresh.h"
#include "broker/callers/verifier_chain.h"
#include "broker/connectors/catalog.h"

#include <prometheus/collectable.h>
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <cstdint>
#include <vector>

namespace connector::broker::app {

// Thread-safe.
class RequestMetrics {
 public:
  explicit RequestMetrics(prometheus::Registry& registry);

  void Issued(const api::IssueOutcome& outcome);
  void Verified(callers::VerifyOutcome outcome);
  void KeysRefreshed(const callers::KeyRefresh& refresh);

  struct Totals {
    std::uint64_t granted = 0;
    std::uint64_t denied = 0;  // The caller's doing.
    std::uint64_t failed = 0;  // Ours or the registry's.
  };
  [[nodiscard]] Totals totals() const;

 private:
  std::vector<prometheus::Counter*> issued_;  // By DenialReason; 0 is granted.
  prometheus::Histogram& duration_;
  prometheus::Family<prometheus::Counter>& verified_;
  prometheus::Family<prometheus::Counter>& refreshed_;
};

// True when the caller must change something, rather than wait.
[[nodiscard]] bool IsCallersDoing(v1::DenialReason reason);

// Read when scraped: connectors by secret class and with problems, watch streams, the locked arena,
// the audit's head. The parts outlive it.
class StateMetrics final : public prometheus::Collectable {
 public:
  StateMetrics(const connectors::Catalog& catalog,
               const api::WatchHub& hub,
               const audit::FileAuditLog& audit)
      : catalog_(catalog), hub_(hub), audit_(audit) {}

  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const connectors::Catalog& catalog_;
  const api::WatchHub& hub_;
  const audit::FileAuditLog& audit_;
};

}  // namespace connector::broker::app
