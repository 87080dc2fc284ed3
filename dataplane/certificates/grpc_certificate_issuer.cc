#include "dataplane/certificates/grpc_certificate_issuer.h"

#include "common/broker_client/broker_client.h"

#include <utility>

namespace connector::dataplane::certificates {
namespace {

namespace pb = ::connector::broker::v1;
using CertificateCall = broker_client::UnaryCall<pb::IssueListenerCertificateRequest,
                                                 pb::IssueListenerCertificateResponse>;

Error Unavailable(std::string message) {
  return MakeError(ErrorCode::kUnavailable, ErrorOrigin::kBroker, std::move(message), Retry::kSafe);
}

}  // namespace

GrpcCertificateIssuer::GrpcCertificateIssuer(const std::shared_ptr<grpc::ChannelInterface>& channel,
                                             std::chrono::milliseconds timeout)
    : broker_(std::make_unique<broker_client::BrokerClient>(channel, timeout)) {}

GrpcCertificateIssuer::~GrpcCertificateIssuer() = default;

void GrpcCertificateIssuer::Issue(const std::string& host,
                                  const std::string& proof,
                                  std::function<void(Result<std::string>)> done) {
  auto call = std::make_shared<CertificateCall>();
  call->request.set_host(host);
  call->request.set_certificate_request(proof);
  auto finish = [call, done](const grpc::Status& status) {
    if (status.ok()) {
      done(std::move(*call->response.mutable_certificate()));
    } else {
      done(Unavailable("the broker gave no certificate: " + status.error_message()));
    }
  };
  if (!broker_->Start(
          call, &broker_client::AsyncBroker::IssueListenerCertificate, std::move(finish))) {
    done(Unavailable("this data plane is stopping"));
  }
}

}  // namespace connector::dataplane::certificates
