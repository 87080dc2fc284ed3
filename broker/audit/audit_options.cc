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

}  // namespace

AuditOptions ReadAudit(const config::v1::Audit& from, config::OptionsReader& reader) {
  AuditOptions out;
  out.directory = from.directory();
  out.replica = from.replica().empty() ? HostName() : from.replica();
  if (out.replica.size() > auditlog::kMaxReplicaBytes) {
    reader.Complain("audit.replica", "must be at most 253 bytes");
  }
  ReadHeadFileName(from, reader, out);
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
