#pragma once

// Where the broker writes its audit log, when it begins a new file, and which ones it removes.

#include "broker/audit/retention.h"
#include "common/config/options_reader.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace connector::config::v1 {
class Audit;
}  // namespace connector::config::v1

namespace connector::broker::audit {

inline constexpr std::chrono::hours kDefaultMaxAuditFileAge{24};
inline constexpr std::uint64_t kDefaultMaxAuditFileBytes = 256 * kMebibyte;

struct AuditOptions {
  std::string directory;
  std::string replica;  // Stands in every record.
  std::chrono::seconds max_file_age = kDefaultMaxAuditFileAge;
  std::uint64_t max_file_bytes = kDefaultMaxAuditFileBytes;
  RetentionRule retention = {};
  std::string head_file = {};    // Empty: none is kept.
  bool needs_head_file = false;  // It was asked for by name.
};

[[nodiscard]] AuditOptions ReadAudit(const config::v1::Audit& from, config::OptionsReader& reader);

}  // namespace connector::broker::audit
