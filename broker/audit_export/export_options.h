#pragma once

// Where the audit's records are sent beside the broker's own disk.

#include "common/config/options_reader.h"
#include "common/curl/curl_connection.h"
#include "common/http/origin.h"

#include <cstdint>
#include <optional>
#include <string>

namespace connector::config::v1 {
class Audit;
}  // namespace connector::config::v1

namespace connector::broker::audit_export {

struct SyslogTarget {
  curl::CurlConnectionOptions server;
  std::uint64_t refuse_over = 0;  // 0: any number of records may wait.
};

struct OtlpTarget {
  http::Url url;
  std::string ca_pem = {};            // Trusted alone; empty for the system's certificates.
  std::string client_cert_file = {};  // PEM; empty for none.
  std::string client_key_file = {};
  std::uint64_t refuse_over = 0;
};

struct AuditExportOptions {
  std::optional<SyslogTarget> syslog;
  std::optional<OtlpTarget> otlp;
};

[[nodiscard]] AuditExportOptions ReadAuditExports(const config::v1::Audit& from,
                                                  config::OptionsReader& reader);

}  // namespace connector::broker::audit_export
