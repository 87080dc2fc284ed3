#pragma once

// Audit records as one request of the OpenTelemetry protocol over HTTP, in JSON. Pure. Rule source:
// the OTLP specification 1.x, "OTLP/HTTP" and "JSON Protobuf encoding".

#include "broker/audit_export/record_receiver.h"
#include "common/base/clock.h"

#include <string>
#include <string_view>

namespace connector::broker::audit_export {

// One log record each, whose body is the audit record as it stands in the file; the head, where
// there is one, is the last. Severity: INFO where the caller got a token, ERROR for lost records,
// else INFO2. `replica` is the resource's service.instance.id; it may be empty.
[[nodiscard]] std::string OtlpLogs(const Shipment& shipment,
                                   std::string_view replica,
                                   WallTime now);

// How many records the answer says were refused; 0 for an answer that says nothing of it.
[[nodiscard]] long OtlpRejected(std::string_view answer);

}  // namespace connector::broker::audit_export
