#include "broker/audit/own_records.h"

#include <string_view>
#include <utility>

namespace connector::broker::audit {
namespace {

auditlog::Event OwnRecord(WallTime now, std::string_view reason, std::string what) {
  auditlog::Event event;
  event.time = now;
  event.reason = reason;
  event.detail = std::move(what);
  return event;
}

}  // namespace

auditlog::Event RecoveredRecord(WallTime now) {
  return OwnRecord(
      now, "AUDIT_RECOVERED", "records could not be written for a while; nothing was issued");
}

auditlog::Event LostRecord(WallTime now, std::string what) {
  return OwnRecord(now, auditlog::kAuditLost, std::move(what));
}

auditlog::Event RemovedRecord(WallTime now, std::string what) {
  return OwnRecord(now, "AUDIT_REMOVED", std::move(what));
}

auditlog::Event KeyChangedRecord(WallTime now, std::string what) {
  return OwnRecord(now, "AUDIT_KEY_CHANGED", std::move(what));
}

}  // namespace connector::broker::audit
