#include "broker/audit_export/syslog_format.h"

#include "broker/audit_export/record_fields.h"

namespace connector::broker::audit_export {
namespace {

constexpr int kLogAudit = 13 * 8;
constexpr int kCritical = 2;
constexpr int kNotice = 5;
constexpr int kInformational = 6;
constexpr std::size_t kMaxHostBytes = 255;

int SyslogSeverity(RecordKind kind) {
  switch (kind) {
    case RecordKind::kGranted:
      return kInformational;
    case RecordKind::kLost:
      return kCritical;
    case RecordKind::kDenied:
      break;
  }
  return kNotice;
}

// Only printable ASCII, and no space: what a header field may hold.
std::string HeaderField(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kMaxHostBytes)) {
    out.push_back(c > ' ' && c < '\x7f' ? c : '?');
  }
  return out.empty() ? "-" : out;
}

struct Header {
  int severity = kInformational;
  std::string_view time;
  std::string_view host;
  std::string_view id;
};

std::string Framed(const Header& header, std::string_view text) {
  std::string message = "<" + std::to_string(kLogAudit + header.severity) + ">1 " +
                        HeaderField(header.time) + " " + HeaderField(header.host) +
                        " oci-connector-broker - ";
  message.append(header.id).append(" - ").append(text);
  return std::to_string(message.size()) + " " + message;
}

}  // namespace

std::string SyslogRecord(std::string_view record) {
  const RecordFields fields = ReadFields(record);
  return Framed({SyslogSeverity(fields.kind), fields.time, fields.replica, "audit"}, record);
}

std::string SyslogHead(std::string_view head, std::string_view time, std::string_view host) {
  return Framed({kInformational, time, host, "audit-head"}, head);
}

}  // namespace connector::broker::audit_export
