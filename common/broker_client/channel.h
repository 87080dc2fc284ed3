#pragma once

// The channel to the brokers, for every program that asks them: mutual TLS, load balancing,
// keepalive and reconnection in one place. Connects when it is first used, and reads its
// certificate files again when they change.

#include "common/grpc/credentials.h"

#include <cstdint>
#include <memory>
#include <string>

namespace connector::broker_client {

struct BrokerAddress {
  std::string address;  // As gRPC takes it: "dns:///broker.ns.svc:7443".
  grpc_support::TlsFiles tls;
  std::string server_name;  // In the broker's certificate; empty: the host of `address`.
};

enum class ChannelUse : std::uint8_t {
  kOneCall,   // A command asks once and ends.
  kOperator,  // Asks the brokers in turn, for as long as the program runs.
  // As kOperator, and only brokers that say SERVING: one that drains is left because it says so,
  // one that dies because its connection ends. An IssueToken that a broker left without an answer
  // is repeated on another one: asking twice for a token does no harm.
  kTokens,
};

[[nodiscard]] std::shared_ptr<::grpc::Channel> MakeBrokerChannel(const BrokerAddress& endpoint,
                                                                 ChannelUse use);

}  // namespace connector::broker_client
