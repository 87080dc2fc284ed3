#include "broker/audit_export/syslog_receiver.h"

#include "broker/audit_export/syslog_format.h"
#include "common/auditlog/record.h"

#include <chrono>

namespace connector::broker::audit_export {

Result<Done> SyslogReceiver::Send(const Shipment& shipment, Deadline deadline) {
  if (!connection_) {
    auto connected = curl::CurlConnection::Connect(server_, deadline);
    if (!connected) {
      return connected.error();
    }
    connection_ = std::move(*connected);
  }
  std::string bytes;
  for (const std::string& record : shipment.records) {
    bytes += SyslogRecord(record);
  }
  if (!shipment.head.empty()) {
    bytes += SyslogHead(
        shipment.head, auditlog::FormatRecordTime(std::chrono::system_clock::now()), replica_);
  }
  Result<Done> sent = connection_->Send(bytes, deadline);
  if (!sent) {
    connection_.reset();
  }
  return sent;
}

}  // namespace connector::broker::audit_export
