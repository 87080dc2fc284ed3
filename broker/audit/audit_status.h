#pragma once

// What the status page, readiness and metrics tell of the audit log. Pure.

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
};

// A broker that cannot record does not issue: it is not ready.
void AddTo(admin::Readiness& readiness, const AuditStatus& status);

[[nodiscard]] admin::StatusSection AuditSection(const AuditStatus& status);

[[nodiscard]] std::vector<prometheus::MetricFamily> CollectAuditState(const AuditStatus& status);

}  // namespace connector::broker::audit
