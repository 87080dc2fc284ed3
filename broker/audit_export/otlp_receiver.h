#pragma once

// OtlpReceiver: a collector of the OpenTelemetry protocol over HTTP. It acknowledges each request.

#include "broker/audit_export/export_options.h"
#include "broker/audit_export/record_receiver.h"
#include "common/curl/curl_client.h"

#include <string>
#include <utility>

namespace connector::broker::audit_export {

class OtlpReceiver final : public RecordReceiver {
 public:
  // `executor`: where answers are awaited; not the thread that calls Send.
  OtlpReceiver(OtlpTarget collector, std::string replica, Executor executor)
      : collector_(std::move(collector)),
        replica_(std::move(replica)),
        executor_(std::move(executor)) {}

  [[nodiscard]] Result<Done> Send(const Shipment& shipment, Deadline deadline) override;

 private:
  const OtlpTarget collector_;
  const std::string replica_;
  const Executor executor_;
  curl::CurlClient client_{curl::ConnectionReuse::kWithinThisClient};
};

}  // namespace connector::broker::audit_export
