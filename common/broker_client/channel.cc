#include "common/broker_client/channel.h"

#include <grpcpp/channel.h>
#include <grpcpp/support/channel_arguments.h>

namespace connector::broker_client {
namespace {

constexpr const char* kTokensConfig = R"({
  "loadBalancingConfig": [{"round_robin": {}}],
  "healthCheckConfig": {"serviceName": ""},
  "methodConfig": [{
    "name": [{"service": "connector.broker.v1.Broker", "method": "IssueToken"}],
    "retryPolicy": {
      "maxAttempts": 5,
      "initialBackoff": "0.05s",
      "maxBackoff": "0.5s",
      "backoffMultiplier": 2,
      "retryableStatusCodes": ["UNAVAILABLE"]
    }
  }]
})";

::grpc::ChannelArguments ArgumentsFor(ChannelUse use) {
  ::grpc::ChannelArguments arguments;
  if (use == ChannelUse::kOneCall) {
    return arguments;
  }
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 10'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  // In spite of its name the time that one attempt has, TLS included. With less, a broker to which
  // all data planes come at once begins handshakes all the time, and finishes none.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5'000);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2'000);
  if (use == ChannelUse::kOperator) {
    arguments.SetLoadBalancingPolicyName("round_robin");
    return arguments;
  }
  arguments.SetServiceConfigJSON(kTokensConfig);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);  // Not DNS decides that.
  return arguments;
}

}  // namespace

std::shared_ptr<::grpc::Channel> MakeBrokerChannel(const BrokerAddress& endpoint, ChannelUse use) {
  return grpc_support::MakeChannel(
      endpoint.address, endpoint.tls, endpoint.server_name, ArgumentsFor(use));
}

}  // namespace connector::broker_client
