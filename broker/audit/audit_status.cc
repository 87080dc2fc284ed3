#include "broker/audit/audit_status.h"

#include "common/metrics/families.h"

namespace connector::broker::audit {
namespace {

std::string HeadFileText(const AuditStatus& status) {
  if (status.head_file.empty()) {
    return "none: set audit.headFile";
  }
  return status.head_problem.empty() ? status.head_file : "failing: " + status.head_problem;
}

std::string VolumeText(const AuditVolume& volume) {
  return volume.bytes == 0 ? "not known"
                           : std::to_string(volume.UsedPercent()) + " % used of " +
                                 std::to_string(volume.bytes / kMebibyte) + " MiB";
}

}  // namespace

bool IsAlmostFull(const AuditVolume& volume) {
  return volume.UsedPercent() >= kAlmostFullPercent;
}

void AddTo(admin::Readiness& readiness, const AuditStatus& status) {
  if (!status.problem.empty()) {
    readiness.reasons.emplace_back("audit records cannot be written: " + status.problem);
  }
  if (status.losses.count > 0) {
    readiness.degraded.emplace_back("audit records were lost: " + status.losses.last);
  }
  if (IsAlmostFull(status.volume) && !status.removes_when_full) {
    readiness.degraded.emplace_back(
        "the audit volume is " + std::to_string(status.volume.UsedPercent()) +
        " % full; once it is full nothing is issued: make it larger, or set audit.retention");
  }
  if (!status.head_problem.empty()) {
    readiness.degraded.emplace_back("the audit's head file cannot be written: " +
                                    status.head_problem);
  }
}

admin::StatusSection AuditSection(const AuditStatus& status) {
  return {"Audit",
          {{"Last record", std::to_string(status.head.seq)},
           {"Its hash", status.head.hash},
           {"Key", status.key_id},
           {"Head file", HeadFileText(status)},
           {"Volume", VolumeText(status.volume)},
           {"Lost", status.losses.count == 0 ? "nothing was noticed" : status.losses.last},
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
  out.Gauge("connector_broker_audit_head_file_writable",
            "1 when the head file is kept and could be written last time, else 0.",
            {},
            !status.head_file.empty() && status.head_problem.empty() ? 1 : 0);
  out.Gauge("connector_broker_audit_volume_bytes",
            "Size of the volume that holds the audit files; 0 when it is not known.",
            {},
            static_cast<double>(status.volume.bytes));
  out.Gauge("connector_broker_audit_volume_free_bytes",
            "What is free for the broker on that volume.",
            {},
            static_cast<double>(status.volume.free));
  out.Counter("connector_broker_audit_losses_total",
              "Times that durable audit records were found removed, replaced or cut off.",
              static_cast<double>(status.losses.count));
  out.Counter("connector_broker_audit_refusals_counted_total",
              "Refusals over the budget of their source or caller: counted in a record of it.",
              static_cast<double>(status.refusals_counted));
  return out.Take();
}

}  // namespace connector::broker::audit
