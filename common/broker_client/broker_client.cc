#include "common/broker_client/broker_client.h"

namespace connector::broker_client {

BrokerClient::BrokerClient(const std::shared_ptr<::grpc::ChannelInterface>& channel,
                           std::chrono::milliseconds timeout)
    : stub_(::connector::broker::v1::Broker::NewStub(channel)), timeout_(timeout) {}

BrokerClient::~BrokerClient() {
  Shutdown();
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return under_way_.empty(); });
}

void BrokerClient::SetDeadline(::grpc::ClientContext& context) const {
  context.set_deadline(std::chrono::system_clock::now() + timeout_);
}

void BrokerClient::Shutdown() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  for (::grpc::ClientContext* const context : under_way_) {
    context->TryCancel();
  }
}

bool BrokerClient::Begin(::grpc::ClientContext* context) {
  SetDeadline(*context);
  const std::lock_guard lock(mutex_);
  return !stopping_ && under_way_.insert(context).second;
}

void BrokerClient::End(::grpc::ClientContext* context) {
  const std::lock_guard lock(mutex_);
  under_way_.erase(context);
  idle_.notify_all();  // Under the lock: the client may be gone as soon as it is released.
}

}  // namespace connector::broker_client
