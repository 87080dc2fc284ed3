#include "broker/audit_export/otlp_format.h"

#include "broker/audit_export/record_fields.h"
#include "common/auditlog/record.h"

#include <boost/json.hpp>

#include <charconv>
#include <chrono>

namespace connector::broker::audit_export {
namespace {

namespace json = boost::json;

// Numbers of the specification's SeverityNumber.
constexpr int kInfo = 9;
constexpr int kInfo2 = 10;
constexpr int kError = 17;

int OtlpSeverity(RecordKind kind) {
  switch (kind) {
    case RecordKind::kGranted:
      return kInfo;
    case RecordKind::kLost:
      return kError;
    case RecordKind::kDenied:
      break;
  }
  return kInfo2;
}

// 64-bit integers are texts in this encoding.
std::string Nanoseconds(WallTime time) {
  return std::to_string(
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

json::object Attribute(std::string_view key, std::string_view value) {
  return {{"key", key}, {"value", json::object{{"stringValue", value}}}};
}

json::object LogRecord(std::string_view event, std::string_view body, int severity, WallTime now) {
  const Result<auditlog::Link> link = auditlog::ReadLink(body, {});
  return {{"timeUnixNano", Nanoseconds(link ? link->time : now)},
          {"observedTimeUnixNano", Nanoseconds(now)},
          {"severityNumber", severity},
          {"body", json::object{{"stringValue", body}}},
          {"attributes", json::array{Attribute("event.name", event)}}};
}

}  // namespace

std::string OtlpLogs(const Shipment& shipment, std::string_view replica, WallTime now) {
  json::array records;
  for (const std::string& record : shipment.records) {
    records.push_back(
        LogRecord("oci_connector.audit", record, OtlpSeverity(ReadFields(record).kind), now));
  }
  if (!shipment.head.empty()) {
    records.push_back(LogRecord("oci_connector.audit_head", shipment.head, kInfo, now));
  }
  json::array resource{Attribute("service.name", "oci-connector-broker")};
  if (!replica.empty()) {
    resource.push_back(Attribute("service.instance.id", replica));
  }
  const json::object scope{{"scope", json::object{{"name", "oci-connector.audit"}}},
                           {"logRecords", std::move(records)}};
  const json::object logs{{"resource", json::object{{"attributes", std::move(resource)}}},
                          {"scopeLogs", json::array{scope}}};
  return json::serialize(json::object{{"resourceLogs", json::array{logs}}});
}

long OtlpRejected(std::string_view answer) {
  json::error_code error;
  const json::value parsed = json::parse(answer, error);
  const json::object* const all = error ? nullptr : parsed.if_object();
  const json::value* const partial = all == nullptr ? nullptr : all->if_contains("partialSuccess");
  if (partial == nullptr || !partial->is_object()) {
    return 0;
  }
  const json::value* const count = partial->get_object().if_contains("rejectedLogRecords");
  if (count == nullptr) {
    return 0;
  }
  if (count->is_int64()) {
    return count->get_int64();
  }
  long rejected = 0;
  if (count->is_string()) {
    const json::string& text = count->get_string();
    std::from_chars(text.data(), text.data() + text.size(), rejected);
  }
  return rejected;
}

}  // namespace connector::broker::audit_export
