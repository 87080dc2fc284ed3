#pragma once

// BrokerClient: the Issuer that speaks gRPC. The only place in the data plane where credentials
// arrive; their protobuf buffers are wiped before they are freed.

#include "dataplane/token/issuer.h"

#include <chrono>
#include <memory>

namespace grpc {
class ChannelInterface;
}

namespace connector::dataplane::token {

class BrokerClient final : public Issuer {
 public:
  BrokerClient(const std::shared_ptr<grpc::ChannelInterface>& channel,
               std::chrono::milliseconds timeout);
  // Cancels what is under way and waits until each call has called back.
  ~BrokerClient() override;

  void Issue(Ask ask, std::function<void(Outcome)> done) override;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace connector::dataplane::token
