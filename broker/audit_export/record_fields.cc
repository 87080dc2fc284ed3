#include "broker/audit_export/record_fields.h"

#include "common/auditlog/record.h"

#include <boost/json.hpp>

namespace connector::broker::audit_export {
namespace {

std::string TextOf(const boost::json::object& record, std::string_view name) {
  const boost::json::value* const value = record.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

RecordFields ReadFields(std::string_view record) {
  boost::json::error_code error;
  const boost::json::value parsed = boost::json::parse(record, error);
  if (error || !parsed.is_object()) {
    return {};
  }
  const boost::json::object& fields = parsed.get_object();
  RecordFields out{RecordKind::kDenied, TextOf(fields, "time"), TextOf(fields, "replica")};
  const boost::json::value* const allowed = fields.if_contains("allowed");
  if (allowed != nullptr && allowed->is_bool() && allowed->get_bool()) {
    out.kind = RecordKind::kGranted;
  } else if (TextOf(fields, "reason") == auditlog::kAuditLost) {
    out.kind = RecordKind::kLost;
  }
  return out;
}

}  // namespace connector::broker::audit_export
