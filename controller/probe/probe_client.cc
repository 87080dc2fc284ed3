#include "controller/probe/probe_client.h"

#include "common/async/one_shot.h"
#include "common/broker_client/broker_client.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace connector::controller::probe {
namespace {

namespace pb = ::connector::broker::v1;
using Steps = std::vector<status::ProbeStepResult>;
using CheckCall = broker_client::UnaryCall<pb::CheckConnectorRequest, pb::CheckConnectorResponse>;
using AuthorityCall =
    broker_client::UnaryCall<pb::GetListenerAuthorityRequest, pb::GetListenerAuthorityResponse>;

// After gRPC's own deadline, for the answer to come back to the coroutine.
constexpr std::chrono::seconds kAnswerSlack{2};

Error Broken(ErrorCode code, std::string message) {
  return MakeError(code, ErrorOrigin::kBroker, std::move(message), Retry::kSafe);
}

Error FromStatus(const grpc::Status& status) {
  const std::string said =
      status.error_message().empty() ? "it gave no reason" : status.error_message();
  switch (status.error_code()) {
    case grpc::StatusCode::NOT_FOUND:
      return Broken(ErrorCode::kNotFound, "the broker does not know this connector");
    case grpc::StatusCode::PERMISSION_DENIED:
    case grpc::StatusCode::UNAUTHENTICATED:
      return Broken(ErrorCode::kPermissionDenied,
                    "the broker does not take the controller's certificate for an operator's; add "
                    "its name to the broker's peers.operators");
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return Broken(ErrorCode::kDeadlineExceeded, "the broker did not answer in time");
    default:
      return Broken(ErrorCode::kUnavailable, "no broker could be reached: " + said);
  }
}

Result<Steps> ReadSteps(const grpc::Status& status, const pb::CheckConnectorResponse& response) {
  if (!status.ok()) {
    return FromStatus(status);
  }
  Steps steps;
  for (const pb::ProbeStep& step : response.steps()) {
    steps.push_back({step.name(), step.ok(), step.reason(), step.message()});
  }
  return steps;
}

Result<std::string> ReadListenerCa(const grpc::Status& status,
                                   const pb::GetListenerAuthorityResponse& response) {
  const bool none = status.error_code() == grpc::StatusCode::FAILED_PRECONDITION ||
                    status.error_code() == grpc::StatusCode::UNIMPLEMENTED;  // Of version 0.1.0.
  return status.ok() || none ? Result<std::string>(response.ca_pem())
                             : Result<std::string>(FromStatus(status));
}

// Starts `call`, and waits for what `read` makes of its end.
// Nothing of the client is used after the wait: it may end meanwhile.
template <typename Value, typename Request, typename Response>
Task<Result<Value>> Ask(
    broker_client::BrokerClient& broker,
    std::shared_ptr<broker_client::UnaryCall<Request, Response>> call,
    void (broker_client::AsyncBroker::*method)(
        grpc::ClientContext*, const Request*, Response*, std::function<void(grpc::Status)>),
    Result<Value> (*read)(const grpc::Status&, const Response&)) {
  auto answered = std::make_shared<OneShot<Result<Value>>>();
  auto finish = [call, answered, read](const grpc::Status& status) {
    answered->Set(read(status, call->response));
  };
  const Deadline until = std::chrono::steady_clock::now() + broker.timeout() + kAnswerSlack;
  if (!broker.Start(call, method, std::move(finish))) {
    co_return Broken(ErrorCode::kUnavailable, "the controller is stopping");
  }
  std::optional<Result<Value>> answer = co_await OneShot<Result<Value>>::Wait(answered, until);
  if (!answer) {
    call->context.TryCancel();
    co_return Broken(ErrorCode::kDeadlineExceeded, "the broker did not answer in time");
  }
  co_return *std::move(answer);
}

}  // namespace

ProbeClient::ProbeClient(const std::shared_ptr<::grpc::ChannelInterface>& channel,
                         std::chrono::milliseconds timeout)
    : broker_(std::make_unique<broker_client::BrokerClient>(channel, timeout)) {}

ProbeClient::~ProbeClient() = default;

void ProbeClient::Shutdown() {
  broker_->Shutdown();
}

Task<Result<Steps>> ProbeClient::Check(ConnectorRef ref) {
  auto call = std::make_shared<CheckCall>();
  call->request.mutable_connector()->set_namespace_(ref.ns);
  call->request.mutable_connector()->set_name(ref.name);
  return Ask<Steps>(
      *broker_, std::move(call), &broker_client::AsyncBroker::CheckConnector, &ReadSteps);
}

Task<Result<std::string>> ProbeClient::ListenerCa() {
  return Ask<std::string>(*broker_,
                          std::make_shared<AuthorityCall>(),
                          &broker_client::AsyncBroker::GetListenerAuthority,
                          &ReadListenerCa);
}

}  // namespace connector::controller::probe
