#pragma once

// SyslogReceiver: a syslog server over TLS, or over TCP where that is allowed. Syslog acknowledges
// nothing: a shipment has arrived when the server's system has acknowledged its bytes, so that what
// the server itself loses before it is written (RFC 5425 section 5.2) is not noticed here.

#include "broker/audit_export/record_receiver.h"
#include "common/curl/curl_connection.h"

#include <memory>
#include <string>
#include <utility>

namespace connector::broker::audit_export {

class SyslogReceiver final : public RecordReceiver {
 public:
  // `replica`: the host of the messages that name a head.
  SyslogReceiver(curl::CurlConnectionOptions server, std::string replica)
      : server_(std::move(server)), replica_(std::move(replica)) {}

  [[nodiscard]] Result<Done> Send(const Shipment& shipment, Deadline deadline) override;

 private:
  const curl::CurlConnectionOptions server_;
  const std::string replica_;
  std::unique_ptr<curl::CurlConnection> connection_;
};

}  // namespace connector::broker::audit_export
