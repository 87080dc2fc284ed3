#pragma once

// AuditExports: the exporters of one broker, as its program sees them. It starts before the audit
// log and stops after it, so that the last records are sent too.

#include "broker/audit/export_progress.h"
#include "broker/audit_export/export_options.h"
#include "broker/audit_export/record_exporter.h"
#include "common/program/component.h"

#include <memory>
#include <string>
#include <vector>

namespace connector::broker::audit_export {

struct AuditExportParts {
  std::string directory;  // Of the audit files; the position files stand beside it.
  std::string replica;
  AuditSource source;
  const Executor& executor;
  log::Logger& logger;
};

class AuditExports final : public program::Component {
 public:
  AuditExports(const AuditExportOptions& options, const AuditExportParts& parts);

  // One for each receiver, for whoever writes the records.
  [[nodiscard]] const audit::ExportProgressList& progress() const { return progress_; }

  [[nodiscard]] Result<Done> Start() override;
  void Stop(Deadline deadline) override;

  [[nodiscard]] std::vector<prometheus::MetricFamily> Metrics() const override;
  void AddReadiness(admin::Readiness& readiness) const override;
  void AddStatus(admin::StatusReport& status) const override;

 private:
  void Add(const std::string& kind,
           const std::string& receiver,
           std::uint64_t refuse_over,
           std::unique_ptr<RecordReceiver> to,
           const AuditExportParts& parts);

  audit::ExportProgressList progress_;
  std::vector<std::unique_ptr<RecordExporter>> exporters_;
};

}  // namespace connector::broker::audit_export
