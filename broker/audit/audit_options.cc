#include "broker/audit/audit_options.h"

#include "common/auditlog/chain_head.h"
#include "common/auditlog/record.h"

#include "proto/connector/config/v1/broker.pb.h"

#include <limits.h>
#include <unistd.h>

#include <filesystem>

namespace connector::broker::audit {
namespace {

constexpr std::chrono::seconds kMinAuditFileAge{60};
constexpr std::chrono::seconds kMaxAuditFileAge{std::chrono::hours(24 * 366)};
constexpr std::uint32_t kMaxFileMebibytes = 1024 * 1024;
constexpr std::chrono::seconds kMinRetention{std::chrono::hours(1)};
constexpr std::chrono::seconds kMaxRetention{std::chrono::hours(24 * 3650)};
constexpr std::uint32_t kMaxRetainedMebibytes = 1024 * 1024 * 1024;

std::string HostName() {
  char name[HOST_NAME_MAX + 1] = {};
  return ::gethostname(name, HOST_NAME_MAX) == 0 ? std::string(name) : std::string();
}

void ReadHeadFileName(const config::v1::Audit& from,
                      config::OptionsReader& reader,
                      AuditOptions& out) {
  out.needs_head_file = !from.head_file().empty();
  out.head_file = out.needs_head_file ? from.head_file() : auditlog::DefaultHeadFile(out.directory);
  const std::filesystem::path directory =
      std::filesystem::path(out.directory + "/").lexically_normal().parent_path();
  if (std::filesystem::path(out.head_file).lexically_normal().parent_path() == directory) {
    reader.Complain("audit.headFile",
                    "must not be in audit.directory: what removes the records there would remove "
                    "it too");
  }
}

RetentionRule ReadRetention(const config::v1::AuditRetention& from, config::OptionsReader& reader) {
  RetentionRule out;
  if (from.has_max_age()) {
    out.max_age = std::chrono::seconds(from.max_age().seconds());
    if (out.max_age < kMinRetention || out.max_age > kMaxRetention) {
      reader.Complain("audit.retention.maxAge", "must be between 1h and 87600h");
    }
  }
  if (from.max_mebibytes() > kMaxRetainedMebibytes) {
    reader.Complain("audit.retention.maxMebibytes", "must be between 1 and 1073741824");
  }
  out.max_bytes = from.max_mebibytes() * kMebibyte;
  out.when_full = from.when_full() == "removeOldest";
  if (!from.when_full().empty() && from.when_full() != "refuse" && !out.when_full) {
    reader.Complain("audit.retention.whenFull", "must be refuse or removeOldest");
  }
  return out;
}

}  // namespace

AuditOptions ReadAudit(const config::v1::Audit& from, config::OptionsReader& reader) {
  AuditOptions out;
  out.directory = from.directory();
  out.replica = from.replica().empty() ? HostName() : from.replica();
  if (out.replica.size() > auditlog::kMaxReplicaBytes) {
    reader.Complain("audit.replica", "must be at most 253 bytes");
  }
  ReadHeadFileName(from, reader, out);
  out.retention = ReadRetention(from.retention(), reader);
  if (from.max_file_mebibytes() > kMaxFileMebibytes) {
    reader.Complain("audit.maxFileMebibytes", "must be between 1 and 1048576");
  } else if (from.max_file_mebibytes() > 0) {
    out.max_file_bytes = from.max_file_mebibytes() * kMebibyte;
  }
  if (!from.has_max_file_age()) {
    return out;
  }
  out.max_file_age = std::chrono::seconds(from.max_file_age().seconds());
  if (out.max_file_age < kMinAuditFileAge || out.max_file_age > kMaxAuditFileAge) {
    reader.Complain("audit.maxFileAge", "must be between 1m and 8784h");
  }
  return out;
}

}  // namespace connector::broker::audit
