#pragma once

// RecordExporter: sends the audit's records and heads to one receiver, in their order, from a
// thread of its own. It reads them from the audit files, so that nothing is lost while the receiver
// is away or the broker is restarted; how far it came stands in a file of its own. A record may
// arrive twice, and none is left out but those that were removed before they could be sent.

#include "broker/audit/export_progress.h"
#include "broker/audit_export/record_receiver.h"
#include "common/async/task.h"
#include "common/base/result.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace connector::log {
class Logger;
}  // namespace connector::log

namespace connector::broker::audit_export {

// What the exporter asks of the audit log. Both thread-safe.
struct AuditSource {
  std::function<std::uint64_t()> last_durable;  // The number of the last record on disk.
  std::function<std::string()> head_line;       // Without its line end.
};

struct ExporterOptions {
  std::string kind;           // "syslog" or "otlp": the label of its metrics.
  std::string directory;      // Of the audit files.
  std::string position_file;  // Made when missing; then all records that are here are sent.
  std::chrono::milliseconds interval{200};          // How often it looks for records.
  std::chrono::milliseconds head_interval{60'000};  // How often it names the head, even unchanged.
  std::chrono::milliseconds timeout{10'000};        // Of one shipment.
};

struct ExporterStatus {
  std::string kind;
  std::string receiver;
  std::uint64_t through = 0;  // The number of the last record that was sent.
  std::uint64_t behind = 0;   // Durable records that were not.
  bool refuses = false;       // So many that nothing is issued.
  std::string problem = {};   // Why the last shipment failed; empty when it did not.
};

class RecordExporter {
 public:
  RecordExporter(ExporterOptions options,
                 std::unique_ptr<RecordReceiver> receiver,
                 AuditSource source,
                 std::shared_ptr<audit::ExportProgress> progress,
                 log::Logger& log);
  ~RecordExporter();  // Stops.
  RecordExporter(const RecordExporter&) = delete;
  RecordExporter& operator=(const RecordExporter&) = delete;

  // Errors: kInvalidArgument when the position file holds something else, kUnavailable when it
  // cannot be read or written.
  [[nodiscard]] Result<Done> Start();
  // Sends what is there first, as far as `deadline` allows. Idempotent.
  void Stop(Deadline deadline);

  [[nodiscard]] ExporterStatus Status() const;  // Thread-safe.

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace connector::broker::audit_export
