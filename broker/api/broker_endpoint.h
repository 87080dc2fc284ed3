#pragma once

// BrokerEndpoint: the broker's gRPC server. Mutual TLS 1.3, limits on what one peer can cost, the
// gRPC health service, and a stop that lets calls finish.
//
// Residual risk: gRPC 1.51 pays for HTTP/2 reset floods. Only holders of a client certificate can
// send one, and the limits below bound memory, not CPU.

#include "broker/api/issue_token_handler.h"
#include "broker/api/listener_certificate_handler.h"
#include "broker/api/operator_handler.h"
#include "broker/api/peers.h"
#include "broker/api/sealing_keys.h"
#include "broker/api/serving_state.h"
#include "broker/api/watch_hub.h"
#include "common/base/result.h"
#include "common/grpc/credentials.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace connector::broker::api {

inline constexpr int kMaxReceivedMessageBytes = 256 * 1024;
inline constexpr int kMaxMetadataBytes = 16 * 1024;
inline constexpr int kMaxConcurrentStreams = 1024;  // Per connection.
inline constexpr std::size_t kMemoryQuotaBytes = std::size_t{256} * 1024 * 1024;
// A peer whose certificate was revoked or has expired is gone after this at the latest. Data planes
// look up the brokers' addresses anew when a connection ends: so new brokers get their share.
inline constexpr std::chrono::minutes kMaxConnectionAge{5};
inline constexpr std::chrono::seconds kConnectionAgeGrace{30};
inline constexpr std::chrono::seconds kKeepaliveTime{30};
inline constexpr std::chrono::seconds kKeepaliveTimeout{10};
inline constexpr std::chrono::seconds kMinClientPingInterval{10};
inline constexpr std::chrono::seconds kHandshakeTimeout{10};
// Between "not serving" and the end of the streams: data planes take their calls elsewhere.
inline constexpr std::chrono::milliseconds kTimeToMove{500};

struct EndpointOptions {
  std::string listen_address;  // host:port; port 0 picks a free one.
  grpc_support::TlsFiles tls;
  std::chrono::seconds tls_reload_interval = grpc_support::kReloadInterval;
  PeerLists peers = {};
};

// All outlive the endpoint; `io` is run by others until Stop has returned.
struct EndpointParts {
  asio::io_context* io = nullptr;
  IssueTokenHandler* issue = nullptr;
  OperatorHandler* operators = nullptr;
  WatchHub* watch = nullptr;
  const SealingKeySource* sealing_keys = nullptr;
  log::Logger* log = nullptr;
  const ServingState* state = nullptr;  // As BrokerServiceParts'.
  ListenerCertificateHandler* listeners = nullptr;
  deny_list::ActiveDenyList* deny_list = nullptr;  // The same.
};

class BrokerEndpoint {
 public:
  // Fails with kUnavailable when the address cannot be bound, for example because it is taken.
  [[nodiscard]] static Result<std::unique_ptr<BrokerEndpoint>> Start(EndpointOptions options,
                                                                     EndpointParts parts);
  ~BrokerEndpoint();  // Stops without waiting for calls.
  BrokerEndpoint(const BrokerEndpoint&) = delete;
  BrokerEndpoint& operator=(const BrokerEndpoint&) = delete;

  [[nodiscard]] std::uint16_t port() const;

  // What the gRPC health service says; at first not serving.
  void SetServing(bool serving);

  // Says that it does not serve any more; where anybody has called, and `drain` is not zero, goes
  // on for kTimeToMove. Then takes no new calls, ends the WatchRoutes streams, waits up to `drain`
  // for calls to finish, and cancels them. Returns when nothing of gRPC runs any more. Idempotent.
  void Stop(std::chrono::milliseconds drain);

 private:
  class Impl;
  explicit BrokerEndpoint(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace connector::broker::api
