#pragma once

// Checks the audit files of one directory as one chain. Used by connectorctl (`audit verify`) and
// by the broker when it starts and continues the chain. Reads only, and never repairs.
//
// What a chain cannot show: that records were cut off its end, whole. Compare `last` with what the
// broker's status page or a copy of the stream says.

#include "common/auditlog/record.h"
#include "common/base/result.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace connector::auditlog {

inline constexpr std::size_t kMaxReplicas = 100;           // More are not told per file.
inline constexpr std::size_t kMaxRecordBytes = 64 * 1024;  // A longer line is no record.

struct VerificationReport {
  std::uint64_t files = 0;
  std::uint64_t records = 0;
  // Before the first record: genesis, unless older files were moved away.
  ChainPosition first;
  ChainPosition last;
  // The last file ends in a line without its end: the broker died while it wrote, or writes now.
  // Whatever that line granted was not answered yet. Distinct from tampering, which is an error.
  bool torn_tail = false;
  std::uint64_t torn_tail_bytes = 0;
  // The brokers that the records name, each once; records of older brokers name none.
  std::set<std::string> replicas = {};

  bool operator==(const VerificationReport&) const = default;
};

// "audit-<seq, 20 digits>.jsonl"
[[nodiscard]] std::string AuditFileName(std::uint64_t first_seq);

// Paths of the audit files in `directory`, oldest first. Other files are ignored. Fails with
// kUnavailable when it cannot be read.
[[nodiscard]] Result<std::vector<std::string>> ListAuditFiles(const std::string& directory);

// Verifies one file whose first record follows `position`, and moves onto its last record. A torn
// tail is reported, and allowed only where the caller says so: in the last file.
//
// Fails with kInvalidArgument, naming file and line, when a record does not hold; with kUnavailable
// when the file cannot be read.
[[nodiscard]] Result<VerificationReport> VerifyFile(const std::string& path,
                                                    const ChainPosition& position,
                                                    bool may_be_torn);

// The first record of `path`, by its own word; none when the file holds no whole record.
[[nodiscard]] Result<std::optional<Link>> FirstRecord(const std::string& path);

// Verifies all files. An empty directory is a chain without records.
[[nodiscard]] Result<VerificationReport> VerifyDirectory(const std::string& directory);

}  // namespace connector::auditlog
