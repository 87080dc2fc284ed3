#include "broker/audit_export/otlp_receiver.h"

#include "broker/audit_export/otlp_format.h"
#include "common/async/block_on.h"

#include <chrono>
#include <utility>

namespace connector::broker::audit_export {
namespace {

Error Refused(std::string message) {
  return MakeError(
      ErrorCode::kUnavailable, ErrorOrigin::kUpstream, std::move(message), Retry::kSafe);
}

}  // namespace

Result<Done> OtlpReceiver::Send(const Shipment& shipment, Deadline deadline) {
  curl::CurlRequest request;
  request.method = "POST";
  request.url = collector_.url;
  request.headers.push_back({"Content-Type", Secret("application/json")});
  request.body = Secret(OtlpLogs(shipment, replica_, std::chrono::system_clock::now()));
  request.ca_pem = collector_.ca_pem;
  request.only_ca_pem = !collector_.ca_pem.empty();
  request.client_cert_file = collector_.client_cert_file;
  request.client_key_file = collector_.client_key_file;
  const Result<curl::CurlResponse> answer =
      BlockOn(executor_, client_.Perform(std::move(request), deadline));
  const std::string peer = collector_.url.origin.Authority();
  if (!answer) {
    return answer.error();
  }
  if (answer->status < 200 || answer->status > 299) {
    return Refused(peer + " answered HTTP " + std::to_string(answer->status));
  }
  const long rejected = OtlpRejected(answer->body.Reveal());
  if (rejected > 0) {
    return Refused(peer + " refused " + std::to_string(rejected) + " records");
  }
  return Done{};
}

}  // namespace connector::broker::audit_export
