#pragma once

// GrpcCertificateIssuer: the CertificateIssuer that asks the broker.

#include "dataplane/certificates/certificate_issuer.h"

#include <chrono>
#include <memory>

namespace grpc {
class ChannelInterface;
}

namespace connector::broker_client {
class BrokerClient;
}

namespace connector::dataplane::certificates {

class GrpcCertificateIssuer final : public CertificateIssuer {
 public:
  GrpcCertificateIssuer(const std::shared_ptr<grpc::ChannelInterface>& channel,
                        std::chrono::milliseconds timeout);
  // Cancels what is under way and waits until each call has called back.
  ~GrpcCertificateIssuer() override;

  void Issue(const std::string& host,
             const std::string& proof,
             std::function<void(Result<std::string>)> done) override;

 private:
  std::unique_ptr<broker_client::BrokerClient> broker_;
};

}  // namespace connector::dataplane::certificates
