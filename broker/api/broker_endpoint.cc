#include "broker/api/broker_endpoint.h"

#include "broker/api/broker_service.h"

#include <grpcpp/ext/health_check_service_server_builder_option.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <thread>
#include <utility>

namespace connector::broker::api {
namespace {

int Millis(std::chrono::milliseconds duration) {
  return static_cast<int>(duration.count());
}

void SetLimits(::grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMaxReceivedMessageBytes);
  ::grpc::ResourceQuota quota("broker");
  quota.Resize(kMemoryQuotaBytes);
  builder.SetResourceQuota(quota);
  const std::pair<const char*, int> arguments[] = {
      {GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxConcurrentStreams},
      {GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes},
      {GRPC_ARG_MAX_CONNECTION_AGE_MS, Millis(kMaxConnectionAge)},
      {GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, Millis(kConnectionAgeGrace)},
      {GRPC_ARG_KEEPALIVE_TIME_MS, Millis(kKeepaliveTime)},
      {GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Millis(kKeepaliveTimeout)},
      {GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, Millis(kMinClientPingInterval)},
      {GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, Millis(kHandshakeTimeout)},
      // A second broker on this port must fail, not share the calls.
      {GRPC_ARG_ALLOW_REUSEPORT, 0},
  };
  for (const auto& [name, value] : arguments) {
    builder.AddChannelArgument(name, value);
  }
}

}  // namespace

class BrokerEndpoint::Impl {
 public:
  Impl(EndpointOptions options, EndpointParts parts)
      : parts_(parts),
        service_({parts.io,
                  parts.issue,
                  parts.operators,
                  parts.watch,
                  parts.sealing_keys,
                  parts.log,
                  parts.state,
                  parts.listeners,
                  parts.deny_list},
                 std::move(options.peers)) {
    ::grpc::EnableDefaultHealthCheckService(true);
    ::grpc::ServerBuilder builder;
    SetLimits(builder);
    builder.AddListeningPort(
        options.listen_address,
        grpc_support::MakeServerCredentials(options.tls, options.tls_reload_interval),
        &port_);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    SetServing(false);
  }

  [[nodiscard]] bool started() const { return server_ && port_ > 0; }
  [[nodiscard]] int port() const { return port_; }

  void SetServing(bool serving) {
    if (server_ && server_->GetHealthCheckService() != nullptr) {
      server_->GetHealthCheckService()->SetServingStatus(serving);
    }
  }

  void Stop(std::chrono::milliseconds drain) {
    if (!server_) {
      return;
    }
    SetServing(false);
    if (drain > std::chrono::milliseconds(0) && service_.called()) {
      std::this_thread::sleep_for(kTimeToMove);
    }
    parts_.watch->Stop();
    server_->Shutdown(std::chrono::system_clock::now() + drain);
    service_.WaitUntilIdle();
    parts_.watch->WaitUntilIdle();
    server_->Wait();
    server_.reset();
  }

 private:
  EndpointParts parts_;
  BrokerService service_;  // Outlives the server, which uses its message allocators.
  int port_ = 0;
  std::unique_ptr<::grpc::Server> server_;
};

BrokerEndpoint::BrokerEndpoint(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

BrokerEndpoint::~BrokerEndpoint() {
  Stop(std::chrono::milliseconds(0));
}

Result<std::unique_ptr<BrokerEndpoint>> BrokerEndpoint::Start(EndpointOptions options,
                                                              EndpointParts parts) {
  const std::string address = options.listen_address;
  auto impl = std::make_unique<Impl>(std::move(options), parts);
  if (!impl->started()) {
    return MakeError(ErrorCode::kUnavailable,
                     ErrorOrigin::kSelf,
                     address + " cannot be listened on; is the port taken?");
  }
  return std::unique_ptr<BrokerEndpoint>(new BrokerEndpoint(std::move(impl)));
}

std::uint16_t BrokerEndpoint::port() const {
  return static_cast<std::uint16_t>(impl_->port());
}

void BrokerEndpoint::SetServing(bool serving) {
  impl_->SetServing(serving);
}

void BrokerEndpoint::Stop(std::chrono::milliseconds drain) {
  impl_->Stop(drain);
}

}  // namespace connector::broker::api
