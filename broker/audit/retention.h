#pragma once

// Which audit files are removed, and when: by the operator's rule alone, oldest first, and never
// the one that is being written. Without a rule nothing is.

#include "common/base/clock.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace connector::broker::audit {

inline constexpr std::uint64_t kMebibyte = 1024ULL * 1024;

struct RetentionRule {
  std::chrono::seconds max_age{0};  // Of a file's last record; 0: no bound.
  std::uint64_t max_bytes = 0;      // Of all files together; 0: no bound.
  bool when_full = false;           // While less than a twentieth of the volume is free.

  bool operator==(const RetentionRule&) const = default;
};

struct ClosedAuditFile {
  std::string path;
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
  std::uint64_t bytes = 0;
  WallTime written;  // The last time.
};

struct AuditVolume {
  std::uint64_t bytes = 0;  // Of the whole volume; 0 when it cannot be looked at.
  std::uint64_t free = 0;   // For the broker.

  // Of 100; 0 when nothing is known.
  [[nodiscard]] unsigned UsedPercent() const;
};

inline constexpr unsigned kAlmostFullPercent = 80;  // From here on people are told.
inline constexpr unsigned kFullPercent = 95;        // From here on `when_full` removes.

[[nodiscard]] AuditVolume LookAtVolume(const std::string& directory);

// Oldest first, without the file that begins with `open_first_seq`. One that cannot be looked at
// ends the list before it: nothing behind a file that stays is removed.
[[nodiscard]] std::vector<ClosedAuditFile> ListClosedFiles(const std::string& directory,
                                                           std::uint64_t open_first_seq);

struct RetentionState {
  WallTime now;
  std::uint64_t open_bytes = 0;  // Of the file that is being written.
  AuditVolume volume = {};
  // Records after this one are not yet where they are exported to, and stay.
  std::uint64_t exported_through = std::numeric_limits<std::uint64_t>::max();
};

// How many of `closed`, which are oldest first, the rule removes. Pure.
[[nodiscard]] std::size_t CountToRemove(const std::vector<ClosedAuditFile>& closed,
                                        const RetentionRule& rule,
                                        const RetentionState& state);

}  // namespace connector::broker::audit
