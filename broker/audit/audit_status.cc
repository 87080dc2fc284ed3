#include "broker/audit/audit_status.h"

#include "common/metrics/families.h"

namespace connector::broker::audit {

void AddTo(admin::Readiness& readiness, const AuditStatus& status) {
  if (!status.problem.empty()) {
    readiness.reasons.emplace_back("audit records cannot be written: " + status.problem);
  }
}

admin::StatusSection AuditSection(const AuditStatus& status) {
  return {"Audit",
          {{"Last record", std::to_string(status.head.seq)},
           {"Its hash", status.head.hash},
           {"Writable", status.problem.empty() ? "yes" : "no: " + status.problem}}};
}

std::vector<prometheus::MetricFamily> CollectAuditState(const AuditStatus& status) {
  metrics::Families out;
  out.Gauge("connector_broker_audit_head",
            "Sequence number of the last durable audit record.",
            {},
            static_cast<double>(status.head.seq));
  out.Gauge("connector_broker_audit_writable",
            "1 when the last batch of audit records could be written, else 0.",
            {},
            status.problem.empty() ? 1 : 0);
  return out.Take();
}

}  // namespace connector::broker::audit
