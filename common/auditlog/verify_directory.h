#pragma once

// Checks the audit files of one directory as one chain. Used by connectorctl (`audit verify`) and
// by the broker when it starts and continues the chain. Reads only, and never repairs.
//
// What the files alone cannot show: that records were cut off their end, whole. A head that was
// kept elsewhere shows it (chain_head.h).

#include "common/auditlog/record.h"
#include "common/auditlog/record_file.h"
#include "common/base/result.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace connector::auditlog {

inline constexpr std::size_t kMaxNames = 100;  // More replicas or keys are not told.

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
  // Ids of the keys that proved records, and of those that the reader has not.
  std::set<std::string> keys = {};
  std::set<std::string> unknown_keys = {};
  std::string last_key = {};          // Of the last record; empty where it has none.
  std::uint64_t unkeyed_through = 0;  // The last record without a key; 0: there is none.
  // Records that say that others were lost, and what the first of them says.
  std::uint64_t losses = 0;
  std::string first_loss = {};
  bool met_head = false;  // The record that the head names is here, and is the same.

  bool operator==(const VerificationReport&) const = default;
};

// "audit-<seq, 20 digits>.jsonl"
[[nodiscard]] std::string AuditFileName(std::uint64_t first_seq);

// The other way round; none where `path` is no audit file's.
[[nodiscard]] std::optional<std::uint64_t> FirstSeqOf(const std::string& path);

// Paths of the audit files in `directory`, oldest first. Other files are ignored. Fails with
// kUnavailable when it cannot be read.
[[nodiscard]] Result<std::vector<std::string>> ListAuditFiles(const std::string& directory);

struct VerifyOptions {
  const ChainKeys& keys;
  // What must stand in the chain where its seq does; null: nothing is known.
  const ChainPosition* head = nullptr;
};

// Verifies one file whose first record follows `position`, and moves onto its last record. A torn
// tail is reported, and allowed only where the caller says so: in the last file.
//
// Fails with kInvalidArgument, naming file and line, when a record does not hold or is not the one
// of the head; with kUnavailable when the file cannot be read.
[[nodiscard]] Result<VerificationReport> VerifyFile(const std::string& path,
                                                    const ChainPosition& position,
                                                    bool may_be_torn,
                                                    const VerifyOptions& options);

// The first record of `path`, by its own word; none when the file holds no whole record.
[[nodiscard]] Result<std::optional<Link>> FirstRecord(const std::string& path,
                                                      const ChainKeys& keys);

// Verifies all files. An empty directory is a chain without records. A head after the last record
// is no error here: see `met_head`.
[[nodiscard]] Result<VerificationReport> VerifyDirectory(const std::string& directory,
                                                         const VerifyOptions& options);

}  // namespace connector::auditlog
