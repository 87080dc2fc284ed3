#pragma once

// BrokerClient: unary calls to the brokers, each with the client's deadline. A program's own client
// (the data plane's issuer, the controller's prober, the command line's) builds on it and knows
// what its one method means; this one knows deadlines, cancelling and waiting, and no method.

#include "proto/connector/broker/v1/broker.grpc.pb.h"

#include <grpcpp/client_context.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

namespace connector::broker_client {

using BrokerStub = ::connector::broker::v1::Broker::Stub;
using AsyncBroker = ::connector::broker::v1::Broker::StubInterface::async_interface;

// One call; lives until its callback has returned.
template <typename Request, typename Response>
struct UnaryCall {
  ::grpc::ClientContext context;
  Request request;
  Response response;
};

// Thread-safe.
class BrokerClient {
 public:
  BrokerClient(const std::shared_ptr<::grpc::ChannelInterface>& channel,
               std::chrono::milliseconds timeout);
  // Cancels what is under way, and waits until each call has called back.
  ~BrokerClient();
  BrokerClient(const BrokerClient&) = delete;
  BrokerClient& operator=(const BrokerClient&) = delete;

  // Calls `done` exactly once, on a thread of gRPC, within the timeout. False, and no call, once
  // Shutdown was called.
  template <typename Request, typename Response>
  [[nodiscard]] bool Start(std::shared_ptr<UnaryCall<Request, Response>> call,
                           void (AsyncBroker::*method)(::grpc::ClientContext*,
                                                       const Request*,
                                                       Response*,
                                                       std::function<void(::grpc::Status)>),
                           std::function<void(const ::grpc::Status&)> done) {
    if (!Begin(&call->context)) {
      return false;
    }
    UnaryCall<Request, Response>& live = *call;
    // The destructor waits for End, so that a plain pointer serves. The call goes before: it holds
    // the channel, and a thread of gRPC that let go of the last channel would wait for itself.
    auto finish = [this, call = std::move(call), done = std::move(done)](
                      const ::grpc::Status& status) mutable {
      std::exchange(done, nullptr)(status);
      ::grpc::ClientContext* const context = &call->context;
      call.reset();
      End(context);
    };
    (stub_->async()->*method)(&live.context, &live.request, &live.response, std::move(finish));
    return true;
  }

  // Waits for the answer. CANCELLED, and no call, once Shutdown was called.
  template <typename Request, typename Response>
  [[nodiscard]] ::grpc::Status Call(const Request& request,
                                    Response& response,
                                    ::grpc::Status (BrokerStub::*method)(::grpc::ClientContext*,
                                                                         const Request&,
                                                                         Response*)) {
    ::grpc::ClientContext context;
    if (!Begin(&context)) {
      return ::grpc::Status(::grpc::StatusCode::CANCELLED, "this program is stopping");
    }
    const ::grpc::Status status = (stub_.get()->*method)(&context, request, &response);
    End(&context);
    return status;
  }

  void SetDeadline(::grpc::ClientContext& context) const;

  // Calls under way fail, and so does what comes.
  void Shutdown();

  [[nodiscard]] std::chrono::milliseconds timeout() const { return timeout_; }

 private:
  [[nodiscard]] bool Begin(::grpc::ClientContext* context);
  void End(::grpc::ClientContext* context);

  const std::unique_ptr<BrokerStub> stub_;
  const std::chrono::milliseconds timeout_;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::set<::grpc::ClientContext*> under_way_;
  bool stopping_ = false;
};

}  // namespace connector::broker_client
