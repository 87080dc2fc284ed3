#pragma once

// FileAuditLog: the audit log on disk. Callers queue their events; one thread takes the whole
// queue, writes it with one write and one fdatasync (group commit), and then completes every waiter
// on its own executor. So the cost of a sync is shared by all who wait at that moment.
//
// When the disk fails, everyone who waits gets kUnavailable and nothing is issued. The next append
// tries again, and with none the log itself tries every `interval` with a record of its own (reason
// AUDIT_RECOVERED), so that it becomes ready again without traffic.
//
// Refusals are durable up to a budget (refusal_budget.h); those over it are counted and Append
// returns at once. They granted nothing.

#include "broker/audit/audit_log.h"
#include "broker/audit/audit_options.h"
#include "broker/audit/audit_status.h"
#include "broker/audit/chain_writer.h"
#include "broker/audit/export_progress.h"
#include "broker/audit/retention.h"
#include "broker/root_key/root_keys.h"
#include "common/program/component.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace prometheus {
class Registry;
}  // namespace prometheus

namespace connector::broker::audit {

inline constexpr std::size_t kMaxQueuedRecords = 65536;  // More are refused at once.

struct FileAuditLogOptions {
  ChainWriterOptions chain;
  prometheus::Registry* registry = nullptr;
  // How often it retries, looks for its file and volume, keeps the head, removes old files, and
  // closes a minute of refusals.
  std::chrono::milliseconds interval{1000};
  std::size_t max_queued = kMaxQueuedRecords;
  RetentionRule retention = {};
  ExportProgressList exports = {};  // Bound what is written, and what is removed.
};

struct AuditParts {
  const root_key::RootKeys& root_keys;
  const Clock& clock;
  log::Logger& logger;
  prometheus::Registry& registry;
  const ExportProgressList& exports;
};

// In the order of the root keys: the current one's makes the hashes.
[[nodiscard]] std::shared_ptr<const auditlog::ChainKeys> ChainKeysOf(
    const root_key::RootKeys& root_keys);

// What the broker opens.
[[nodiscard]] FileAuditLogOptions FileAuditLogOptionsOf(const AuditOptions& options,
                                                        const AuditParts& parts);

class FileAuditLog final : public AuditLog, public program::Component {
 public:
  // Errors: those of ChainWriter::Open.
  [[nodiscard]] static Result<std::unique_ptr<FileAuditLog>> Open(FileAuditLogOptions options);
  ~FileAuditLog() override;  // Stops.

  // The executor of every waiter outlives the log, or at least Stop.
  [[nodiscard]] Task<Result<Done>> Append(auditlog::Event event) override;

  // The chain goes on with these from the next batch on. Thread-safe.
  void UseKeys(std::shared_ptr<const auditlog::ChainKeys> keys);

  // Writes what is queued, completes every waiter, and refuses all that comes later. Idempotent.
  void Stop();
  void Stop(Deadline /*deadline*/) override { Stop(); }

  [[nodiscard]] std::vector<prometheus::MetricFamily> Metrics() const override;
  void AddReadiness(admin::Readiness& readiness) const override;
  void AddStatus(admin::StatusReport& status) const override;

  [[nodiscard]] AuditStatus Status() const;
  // The line of a head file that names the last durable record, without its end.
  [[nodiscard]] std::string HeadLine() const;

 private:
  class Impl;
  explicit FileAuditLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace connector::broker::audit
