#pragma once

// GrpcIssuer: the Issuer that speaks gRPC. The only place in the data plane where credentials
// arrive; their protobuf buffers are wiped before they are freed.

#include "dataplane/token/issuer.h"

#include <chrono>
#include <memory>

namespace grpc {
class ChannelInterface;
}

namespace connector::broker_client {
class BrokerClient;
}

namespace connector::dataplane::token {

class GrpcIssuer final : public Issuer {
 public:
  GrpcIssuer(const std::shared_ptr<grpc::ChannelInterface>& channel,
             std::chrono::milliseconds timeout);
  // Cancels what is under way and waits until each call has called back.
  ~GrpcIssuer() override;

  void Issue(GrantRequest grant_request, std::function<void(GrantResult)> done) override;

 private:
  std::unique_ptr<broker_client::BrokerClient> broker_;
};

}  // namespace connector::dataplane::token
