#pragma once

// An audit record as a syslog message. Pure. Rule sources: RFC 5424 section 6 (the message), RFC
// 5425 section 4.3 (its length before it).

#include <string>
#include <string_view>

namespace connector::broker::audit_export {

// "LENGTH <PRI>1 TIME HOST oci-connector-broker - audit - RECORD". Facility 13 (log audit); the
// severity is 6 (informational) where the caller got a token, 2 (critical) for lost records, else 5
// (notice). TIME and HOST are the record's own time and replica; "-" where it has none.
[[nodiscard]] std::string SyslogRecord(std::string_view record);

// The same with message id "audit-head" and severity 6, for the line that names the chain's head.
// `time` is RFC 3339, `host` the replica; either may be empty.
[[nodiscard]] std::string SyslogHead(std::string_view head,
                                     std::string_view time,
                                     std::string_view host);

}  // namespace connector::broker::audit_export
