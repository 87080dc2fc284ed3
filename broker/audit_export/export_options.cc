#include "broker/audit_export/export_options.h"

#include "common/resource/ca_bundle.h"

#include "proto/connector/config/v1/broker.pb.h"

namespace connector::broker::audit_export {
namespace {

// `from`: config::v1::AuditSyslog or AuditOtlp.
template <typename Message>
void CheckClientCertificate(const Message& from,
                            const std::string& path,
                            config::OptionsReader& reader) {
  if (from.client_certificate_file().empty() != from.client_key_file().empty()) {
    reader.Complain(path, "clientCertificateFile and clientKeyFile belong together: name both");
    return;
  }
  if (!from.client_certificate_file().empty()) {
    (void)reader.ReadText(path + ".clientCertificateFile", from.client_certificate_file());
    (void)reader.ReadText(path + ".clientKeyFile", from.client_key_file());
  }
}

SyslogTarget ReadSyslog(const config::v1::AuditSyslog& from, config::OptionsReader& reader) {
  SyslogTarget out;
  const std::string scheme = from.allow_insecure() ? "http://" : "https://";
  const Result<http::Origin> server = http::ParseOrigin(scheme + from.address());
  // An IPv6 address has colons of its own, and stands in brackets.
  const std::size_t colon = from.address().rfind(':');
  const bool has_port = colon != std::string::npos && from.address().back() != ']';
  if (!server || !has_port) {
    reader.Complain("audit.syslog.address", "must be host:port, for example siem.example.com:6514");
  } else {
    out.server.peer = *server;
  }
  out.server.ca_pem = resource::ReadCaFile("audit.syslog.caFile", from.ca_file(), reader);
  CheckClientCertificate(from, "audit.syslog", reader);
  out.server.client_cert_file = from.client_certificate_file();
  out.server.client_key_file = from.client_key_file();
  out.refuse_over = from.backlog().refuse_over();
  return out;
}

OtlpTarget ReadOtlp(const config::v1::AuditOtlp& from, config::OptionsReader& reader) {
  OtlpTarget out;
  const Result<http::Url> url = http::ParseUrl(from.url());
  if (!url) {
    reader.Complain("audit.otlp.url",
                    url.error().message + "; for example https://otel.example.com/v1/logs");
  } else if (!url->origin.tls && !from.allow_insecure()) {
    reader.Complain("audit.otlp.url",
                    "must be https: records name callers; allowInsecure permits http");
  } else {
    out.url = *url;
  }
  out.ca_pem = resource::ReadCaFile("audit.otlp.caFile", from.ca_file(), reader);
  CheckClientCertificate(from, "audit.otlp", reader);
  out.client_cert_file = from.client_certificate_file();
  out.client_key_file = from.client_key_file();
  out.refuse_over = from.backlog().refuse_over();
  return out;
}

}  // namespace

AuditExportOptions ReadAuditExports(const config::v1::Audit& from, config::OptionsReader& reader) {
  AuditExportOptions out;
  if (from.has_syslog()) {
    out.syslog = ReadSyslog(from.syslog(), reader);
  }
  if (from.has_otlp()) {
    out.otlp = ReadOtlp(from.otlp(), reader);
  }
  return out;
}

}  // namespace connector::broker::audit_export
