#include "broker/audit_export/audit_exports.h"

#include "broker/audit_export/otlp_receiver.h"
#include "broker/audit_export/syslog_receiver.h"
#include "common/metrics/families.h"

#include <utility>

namespace connector::broker::audit_export {

AuditExports::AuditExports(const AuditExportOptions& options, const AuditExportParts& parts) {
  if (options.syslog) {
    Add("syslog",
        options.syslog->server.peer.Authority(),
        options.syslog->refuse_over,
        std::make_unique<SyslogReceiver>(options.syslog->server, parts.replica),
        parts);
  }
  if (options.otlp) {
    Add("otlp",
        options.otlp->url.origin.Authority(),
        options.otlp->refuse_over,
        std::make_unique<OtlpReceiver>(*options.otlp, parts.replica, parts.executor),
        parts);
  }
}

void AuditExports::Add(const std::string& kind,
                       const std::string& receiver,
                       std::uint64_t refuse_over,
                       std::unique_ptr<RecordReceiver> to,
                       const AuditExportParts& parts) {
  auto progress = std::make_shared<audit::ExportProgress>(receiver, refuse_over);
  progress_.push_back(progress);
  exporters_.push_back(std::make_unique<RecordExporter>(
      ExporterOptions{kind, parts.directory, parts.directory + "." + kind + "-position"},
      std::move(to),
      parts.source,
      std::move(progress),
      parts.logger));
}

Result<Done> AuditExports::Start() {
  for (const auto& exporter : exporters_) {
    Result<Done> started = exporter->Start();
    if (!started) {
      return started;
    }
  }
  return Done{};
}

void AuditExports::Stop(Deadline deadline) {
  for (const auto& exporter : exporters_) {
    exporter->Stop(deadline);
  }
}

std::vector<prometheus::MetricFamily> AuditExports::Metrics() const {
  metrics::Families out;
  for (const auto& exporter : exporters_) {
    const ExporterStatus status = exporter->Status();
    out.Gauge("connector_broker_audit_export_behind",
              "Durable audit records that were not sent to the receiver (syslog, otlp) yet.",
              {{"receiver", status.kind}},
              static_cast<double>(status.behind));
    out.Gauge("connector_broker_audit_export_up",
              "1 when the last records or head could be sent to the receiver, else 0.",
              {{"receiver", status.kind}},
              status.problem.empty() ? 1 : 0);
  }
  return out.Take();
}

void AuditExports::AddReadiness(admin::Readiness& readiness) const {
  for (const auto& exporter : exporters_) {
    const ExporterStatus status = exporter->Status();
    const std::string because = status.problem.empty() ? std::string() : ": " + status.problem;
    if (status.refuses) {
      readiness.reasons.emplace_back(std::to_string(status.behind) + " audit records wait for " +
                                     status.receiver + because);
    } else if (!status.problem.empty()) {
      readiness.degraded.emplace_back("audit records cannot be sent to " + status.receiver +
                                      because);
    }
  }
}

void AuditExports::AddStatus(admin::StatusReport& status) const {
  for (const auto& exporter : exporters_) {
    const ExporterStatus now = exporter->Status();
    status.sections.push_back(
        {"Audit export: " + now.kind,
         {{"Receiver", now.receiver},
          {"Sent through record", std::to_string(now.through)},
          {"Waiting", std::to_string(now.behind)},
          {"Reachable", now.problem.empty() ? "yes" : "no: " + now.problem}}});
  }
}

}  // namespace connector::broker::audit_export
