#pragma once

// BrokerService: the gRPC service. For each call it checks whether the peer may call the method,
// sets the deadline, and runs the handler on the broker's executor. It decides nothing else.

#include "broker/api/issue_token_handler.h"
#include "broker/api/listener_certificate_handler.h"
#include "broker/api/operator_handler.h"
#include "broker/api/peers.h"
#include "broker/api/sealing_keys.h"
#include "broker/api/serving_state.h"
#include "broker/api/watch_hub.h"
#include "broker/api/wiping_allocator.h"
#include "common/grpc/unary_bridge.h"

#include "proto/connector/broker/v1/broker.grpc.pb.h"

#include <atomic>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace connector::broker::api {

inline constexpr std::chrono::seconds kMaxIssueTime{10};
inline constexpr std::chrono::seconds kMaxCheckTime{60};

struct BrokerServiceParts {
  asio::io_context* io = nullptr;
  IssueTokenHandler* issue = nullptr;
  OperatorHandler* operators = nullptr;
  WatchHub* watch = nullptr;
  const SealingKeySource* sealing_keys = nullptr;
  log::Logger* log = nullptr;
  // Says whether calls are answered; else they are UNAVAILABLE. Null: from the start.
  const ServingState* state = nullptr;
  // Null: there is no listener authority.
  ListenerCertificateHandler* listeners = nullptr;
  deny_list::ActiveDenyList* deny_list = nullptr;  // Null: it denies nobody.
};

class BrokerService final : public v1::Broker::CallbackService {
 public:
  BrokerService(BrokerServiceParts parts, PeerLists peers);

  ::grpc::ServerUnaryReactor* IssueToken(::grpc::CallbackServerContext* context,
                                         const v1::IssueTokenRequest* request,
                                         v1::IssueTokenResponse* response) override;
  ::grpc::ServerWriteReactor<v1::WatchRoutesResponse>* WatchRoutes(
      ::grpc::CallbackServerContext* context, const v1::WatchRoutesRequest* request) override;
  ::grpc::ServerUnaryReactor* GetSealingKeys(::grpc::CallbackServerContext* context,
                                             const v1::GetSealingKeysRequest* request,
                                             v1::GetSealingKeysResponse* response) override;
  ::grpc::ServerUnaryReactor* CheckConnector(::grpc::CallbackServerContext* context,
                                             const v1::CheckConnectorRequest* request,
                                             v1::CheckConnectorResponse* response) override;
  ::grpc::ServerUnaryReactor* ExplainAccess(::grpc::CallbackServerContext* context,
                                            const v1::ExplainAccessRequest* request,
                                            v1::ExplainAccessResponse* response) override;
  ::grpc::ServerUnaryReactor* IssueListenerCertificate(
      ::grpc::CallbackServerContext* context,
      const v1::IssueListenerCertificateRequest* request,
      v1::IssueListenerCertificateResponse* response) override;
  ::grpc::ServerUnaryReactor* GetListenerAuthority(
      ::grpc::CallbackServerContext* context,
      const v1::GetListenerAuthorityRequest* request,
      v1::GetListenerAuthorityResponse* response) override;

  // Whether any allowed peer has called.
  [[nodiscard]] bool called() const { return called_; }
  // Returns when no handler runs any more; the io_context must go on running until then.
  void WaitUntilIdle() { calls_.WaitUntilIdle(); }

 private:
  struct Admission {
    std::optional<std::string> peer;  // Its name; none: it was refused.
    ::grpc::Status refusal;           // What it is told then.
  };
  // Logs a refusal of the peer.
  [[nodiscard]] Admission Admit(const ::grpc::CallbackServerContext& context, BrokerMethod method);
  // The peer is on the deny list. Notes that it was refused.
  [[nodiscard]] bool IsDenied(const std::vector<std::string>& sans) const;

  BrokerServiceParts parts_;
  PeerLists peers_;
  WipingAllocator<v1::IssueTokenRequest, v1::IssueTokenResponse> issue_messages_;
  WipingAllocator<v1::ExplainAccessRequest, v1::ExplainAccessResponse> explain_messages_;
  WipingAllocator<v1::GetSealingKeysRequest, v1::GetSealingKeysResponse> key_messages_;

  std::atomic<bool> called_ = false;
  grpc_support::UnaryCalls calls_;
};

}  // namespace connector::broker::api
