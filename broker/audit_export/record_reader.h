#pragma once

// RecordReader: reads the records of an audit directory in their order, from any number on, while
// the broker goes on writing there. Trusts the files' names and line ends, and verifies nothing:
// who receives the records does.

#include "common/auditlog/record_file.h"
#include "common/base/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace connector::broker::audit_export {

struct RecordBatch {
  std::vector<std::string> lines = {};  // Without their ends.
  std::uint64_t last_seq = 0;           // Of the last line; as asked for when there is none.
};

inline constexpr std::size_t kMaxBatchRecords = 512;
inline constexpr std::size_t kMaxBatchBytes = 512 * 1024;

// Not thread-safe.
class RecordReader {
 public:
  explicit RecordReader(std::string directory) : directory_(std::move(directory)) {}

  // The records after `seq`, none after `through`: what stands behind that is not durable yet and
  // may be taken back. Goes on behind records that are gone. Errors: kUnavailable.
  [[nodiscard]] Result<RecordBatch> Read(std::uint64_t seq, std::uint64_t through);

 private:
  [[nodiscard]] Result<Done> OpenFor(std::uint64_t seq);
  [[nodiscard]] Result<bool> OpenNext();  // False when there is none yet.
  [[nodiscard]] Result<Done> Open(const std::string& path);

  std::string directory_;
  std::optional<auditlog::RecordFile> file_;
  std::string path_;
  std::uint64_t next_seq_ = 0;  // Of the line that `file_` stands at.
};

}  // namespace connector::broker::audit_export
