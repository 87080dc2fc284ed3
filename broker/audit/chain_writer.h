#pragma once

// ChainWriter: appends batches of records to the audit files of one directory, and never leaves a
// record there whose batch failed. Synchronous and single-threaded; file_audit_log.h puts a thread
// and a queue in front.
//
// Holds a lock on the directory, so that two brokers cannot tear one chain. Deliberately deletes
// nothing: retention is the operator's.

#include "broker/audit/append_file.h"
#include "common/auditlog/record.h"
#include "common/base/clock.h"
#include "common/base/result.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace connector::log {
class Logger;
}  // namespace connector::log

namespace connector::broker::audit {

struct ChainWriterOptions {
  std::string directory;                 // Made with mode 0700 when it is missing.
  std::string replica = {};              // Stands in each record; may be empty.
  std::chrono::seconds max_file_age{0};  // A new file when the first record is older.
  const Clock* clock = nullptr;
  log::Logger* log = nullptr;
  OpenAppendFile open_file = OpenRealFile;
};

class ChainWriter {
 public:
  // Continues the chain that stands in the directory. A torn tail (the broker died while writing)
  // is copied aside to FILE.OFFSET.torn and cut off.
  //
  // Fails with kInvalidArgument when the last file does not verify (somebody must look at it), and
  // with kUnavailable when the directory is locked by another broker or cannot be used.
  [[nodiscard]] static Result<std::unique_ptr<ChainWriter>> Open(ChainWriterOptions options);

  ~ChainWriter();
  ChainWriter(const ChainWriter&) = delete;
  ChainWriter& operator=(const ChainWriter&) = delete;

  // Returns when all of `events` are on disk. On any error (kUnavailable) none of them counts: what
  // was written is taken back, now or before the next batch.
  [[nodiscard]] Result<Done> Append(const std::vector<auditlog::Event>& events);

  [[nodiscard]] const auditlog::ChainPosition& position() const { return position_; }

 private:
  ChainWriter(ChainWriterOptions options, int directory_fd);
  [[nodiscard]] Result<Done> Continue();
  [[nodiscard]] Result<Done> CutTornTail(const std::string& path, std::uint64_t bytes);
  [[nodiscard]] Result<Done> PrepareFile(WallTime now);
  [[nodiscard]] Result<Done> SyncDirectory();

  ChainWriterOptions options_;
  int directory_fd_;
  auditlog::ChainPosition position_;
  std::unique_ptr<AppendFile> file_;
  std::uint64_t good_size_ = 0;  // Of `file_`: all of it is whole, synced records.
  bool dirty_ = false;           // Something may stand behind good_size_.
  WallTime file_started_;
};

}  // namespace connector::broker::audit
