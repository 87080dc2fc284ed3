#pragma once

// ChainWriter: appends batches of records to the audit files of one directory, and never leaves a
// record there whose batch failed. Synchronous and single-threaded; file_audit_log.h puts a thread
// and a queue in front.
//
// Says when records that were on disk are gone: it looks at its file after each batch, and compares
// the files with the head that it keeps elsewhere when it starts. Then it goes on behind what was
// lost, and the chain itself says so. Removes old files by the operator's rule alone (retention.h),
// after a record that says which.

#include "broker/audit/append_file.h"
#include "broker/audit/audit_directory.h"
#include "broker/audit/retention.h"
#include "common/auditlog/chain_head.h"
#include "common/auditlog/record.h"
#include "common/auditlog/verify_directory.h"
#include "common/base/clock.h"
#include "common/base/result.h"

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace connector::log {
class Logger;
}  // namespace connector::log

namespace connector::broker::audit {

struct ChainWriterOptions {
  std::string directory;     // Made with mode 0700 when it is missing.
  std::string replica = {};  // Stands in each record; may be empty.
  // The first one makes the hashes; others are of root keys before. Never empty.
  std::shared_ptr<const auditlog::ChainKeys> keys = {};
  std::string head_file = {};            // Empty: no head is kept.
  bool needs_head_file = false;          // Else a place that cannot be written is a warning.
  std::chrono::seconds max_file_age{0};  // A new file when the first record is older, ...
  std::uint64_t max_file_bytes = std::numeric_limits<std::uint64_t>::max();  // ... or it is larger.
  const Clock* clock = nullptr;
  log::Logger* log = nullptr;
  OpenAppendFile open_file = OpenRealFile;
};

// What was noticed since the start.
struct ChainLosses {
  std::uint64_t count = 0;
  std::string last = {};  // The sentence; empty when nothing was lost.
};

class ChainWriter {
 public:
  // Continues the chain that stands in the directory. A torn tail (the broker died while writing)
  // is copied aside to FILE.OFFSET.torn and cut off.
  //
  // Fails with kInvalidArgument when the last file does not verify, or the head file names another
  // record than stands there (somebody must look at it), and with kUnavailable when the directory
  // is locked by another broker or cannot be used.
  [[nodiscard]] static Result<std::unique_ptr<ChainWriter>> Open(ChainWriterOptions options);

  // Returns when all of `events` are on disk. On any error (kUnavailable) none of them counts: what
  // was written is taken back, now or before the next batch.
  [[nodiscard]] Result<Done> Append(const std::vector<auditlog::Event>& events);

  // Records are written with the first of `keys` from now on; one of its own says so.
  void UseKeys(std::shared_ptr<const auditlog::ChainKeys> keys);

  // Looks whether the file is still the one that was written.
  void Look();
  // Records of its own wait for the next Append, which may have no events.
  [[nodiscard]] bool HasOwnRecords() const { return !own_records_.empty(); }

  // Removes what `rule` says of the closed files. Errors: kUnavailable, and nothing was removed.
  [[nodiscard]] Result<Done> RemoveOld(const RetentionRule& rule, std::uint64_t exported_through);

  // Brings the head file up to date, where it is not. Errors: kUnavailable.
  [[nodiscard]] Result<Done> WriteHead();

  [[nodiscard]] const auditlog::ChainPosition& position() const { return position_; }
  [[nodiscard]] const std::string& key_id() const { return key().id(); }
  [[nodiscard]] const ChainLosses& losses() const { return losses_; }
  [[nodiscard]] const std::string& head_file() const { return options_.head_file; }
  [[nodiscard]] const std::string& directory() const { return options_.directory; }

 private:
  ChainWriter(ChainWriterOptions options, std::unique_ptr<AuditDirectory> directory);
  [[nodiscard]] const auditlog::ChainKey& key() const { return options_.keys->front(); }
  [[nodiscard]] Result<Done> Continue(const std::optional<auditlog::Head>& head);
  [[nodiscard]] Result<Done> OpenLast(const std::string& path,
                                      const auditlog::VerificationReport& report,
                                      WallTime started);
  void CompareWithHead(const std::optional<auditlog::Head>& head);
  [[nodiscard]] Result<Done> KeepHead();
  void NoteKey(const std::string& last_key, const std::optional<auditlog::Head>& head);
  [[nodiscard]] Result<Done> CutTornTail(const std::string& path, std::uint64_t bytes);
  [[nodiscard]] Result<Done> PrepareFile(WallTime now);
  [[nodiscard]] Result<Done> WriteBatch(std::string_view batch);
  void Abandon(const std::string& difference);
  void NoteLoss(const std::string& what);

  ChainWriterOptions options_;
  std::unique_ptr<AuditDirectory> directory_;
  auditlog::ChainPosition position_;
  std::optional<auditlog::ChainPosition> written_head_;
  std::vector<auditlog::Event> own_records_;  // Before the next batch's own.
  ChainLosses losses_;
  std::unique_ptr<AppendFile> file_;
  std::uint64_t first_seq_ = 1;  // Of `file_`.
  std::uint64_t good_size_ = 0;  // Of `file_`: all of it is whole, synced records.
  bool dirty_ = false;           // Something may stand behind good_size_.
  WallTime file_started_;
};

}  // namespace connector::broker::audit
