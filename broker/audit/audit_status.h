#pragma once

// What the status page, readiness and metrics tell of the audit log. Pure.

#include "broker/audit/chain_writer.h"
#include "common/admin/admin_server.h"
#include "common/admin/status_report.h"
#include "common/auditlog/record.h"

#include <prometheus/metric_family.h>

#include <string>
#include <vector>

namespace connector::broker::audit {

struct AuditStatus {
  auditlog::ChainPosition head;  // The last durable record.
  std::string problem;           // Why the last batch failed; empty when it did not.
  std::string key_id;
  ChainLosses losses;
  std::string head_file;               // Empty: none is kept.
  std::string head_problem;            // Why it could not be written; empty when it could.
  std::uint64_t refusals_counted = 0;  // Over a budget, without a record.
  AuditVolume volume = {};
  bool removes_when_full = false;  // So that an almost full volume is as it should be.
};

[[nodiscard]] bool IsAlmostFull(const AuditVolume& volume);

// A broker that cannot record does not issue: it is not ready. One whose records were lost goes on,
// and is degraded until somebody has looked and started it again.
void AddTo(admin::Readiness& readiness, const AuditStatus& status);

[[nodiscard]] admin::StatusSection AuditSection(const AuditStatus& status);

[[nodiscard]] std::vector<prometheus::MetricFamily> CollectAuditState(const AuditStatus& status);

}  // namespace connector::broker::audit
