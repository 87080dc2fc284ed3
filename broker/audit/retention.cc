#include "broker/audit/retention.h"

#include "common/auditlog/verify_directory.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>

namespace connector::broker::audit {
namespace {

constexpr std::uint64_t kWhole = 100;

}  // namespace

unsigned AuditVolume::UsedPercent() const {
  if (bytes == 0) {
    return 0;
  }
  return static_cast<unsigned>(kWhole - std::min(kWhole, free * kWhole / bytes));
}

AuditVolume LookAtVolume(const std::string& directory) {
  struct statvfs found {};
  if (::statvfs(directory.c_str(), &found) != 0) {
    return {};
  }
  const std::uint64_t unit = found.f_frsize;
  // What is kept for root is of no use to the broker: neither used nor free.
  const std::uint64_t reserved = found.f_bfree - found.f_bavail;
  return {(found.f_blocks - reserved) * unit, found.f_bavail * unit};
}

std::vector<ClosedAuditFile> ListClosedFiles(const std::string& directory,
                                             std::uint64_t open_first_seq) {
  const auto paths = auditlog::ListAuditFiles(directory);
  std::vector<ClosedAuditFile> closed;
  for (const std::string& path : paths ? *paths : std::vector<std::string>()) {
    const std::uint64_t first = auditlog::FirstSeqOf(path).value_or(0);
    if (!closed.empty()) {
      closed.back().last_seq = first - 1;
    }
    struct stat info {};
    if (first >= open_first_seq || ::stat(path.c_str(), &info) != 0) {
      break;
    }
    closed.push_back({path,
                      first,
                      open_first_seq - 1,
                      static_cast<std::uint64_t>(info.st_size),
                      std::chrono::system_clock::from_time_t(info.st_mtime)});
  }
  return closed;
}

std::size_t CountToRemove(const std::vector<ClosedAuditFile>& closed,
                          const RetentionRule& rule,
                          const RetentionState& state) {
  std::uint64_t left = state.open_bytes;
  for (const ClosedAuditFile& file : closed) {
    left += file.bytes;
  }
  std::uint64_t free = state.volume.free;
  std::size_t count = 0;
  for (const ClosedAuditFile& file : closed) {
    const bool old = rule.max_age.count() > 0 && state.now - file.written > rule.max_age;
    const bool many = rule.max_bytes > 0 && left > rule.max_bytes;
    const bool full =
        rule.when_full && AuditVolume{state.volume.bytes, free}.UsedPercent() >= kFullPercent;
    if (!(old || many || full) || file.last_seq > state.exported_through) {
      break;
    }
    left -= file.bytes;
    free += file.bytes;
    ++count;
  }
  return count;
}

}  // namespace connector::broker::audit
