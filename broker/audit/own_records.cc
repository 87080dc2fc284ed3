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

constexpr std::string_view kRecovered = "AUDIT_RECOVERED";
constexpr std::string_view kRemoved = "AUDIT_REMOVED";
constexpr std::string_view kKeyChanged = "AUDIT_KEY_CHANGED";
constexpr std::string_view kDenyListChanged = "DENY_LIST_CHANGED";
constexpr std::string_view kPeerDenied = "DATAPLANE_DENIED";

}  // namespace

auditlog::Event RecoveredRecord(WallTime now) {
  return OwnRecord(now, kRecovered, "records could not be written for a while; nothing was issued");
}

auditlog::Event LostRecord(WallTime now, std::string what) {
  return OwnRecord(now, auditlog::kAuditLost, std::move(what));
}

auditlog::Event RemovedRecord(WallTime now, std::string what) {
  return OwnRecord(now, kRemoved, std::move(what));
}

auditlog::Event KeyChangedRecord(WallTime now, std::string what) {
  return OwnRecord(now, kKeyChanged, std::move(what));
}

auditlog::Event DenyListRecord(WallTime now, std::string what) {
  return OwnRecord(now, kDenyListChanged, std::move(what));
}

auditlog::Event DeniedPeerRecord(WallTime now, std::string peer, std::string what) {
  auditlog::Event event = OwnRecord(now, kPeerDenied, std::move(what));
  event.peer = std::move(peer);
  return event;
}

bool IsOwnRecord(const auditlog::Event& event) {
  return event.reason == kRecovered || event.reason == auditlog::kAuditLost ||
         event.reason == kRemoved || event.reason == kKeyChanged ||
         event.reason == kDenyListChanged || event.reason == kPeerDenied;
}

}  // namespace connector::broker::audit
