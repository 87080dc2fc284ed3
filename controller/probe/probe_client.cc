#include "controller/probe/probe_client.h"

#include "common/async/one_shot.h"
#include "common/broker_client/broker_client.h"

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

Steps FromResponse(const pb::CheckConnectorResponse& response) {
  Steps steps;
  for (const pb::ProbeStep& step : response.steps()) {
    steps.push_back({step.name(), step.ok(), step.reason(), step.message()});
  }
  return steps;
}

// Nothing of the client is used after the wait: it may end meanwhile.
template <typename Value, typename Call>
Task<Result<Value>> AwaitAnswer(std::shared_ptr<Call> call,
                                std::shared_ptr<OneShot<Result<Value>>> answered,
                                Deadline until) {
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
  auto answered = std::make_shared<OneShot<Result<Steps>>>();
  auto finish = [call, answered](const grpc::Status& status) {
    answered->Set(status.ok() ? Result<Steps>(FromResponse(call->response))
                              : Result<Steps>(FromStatus(status)));
  };
  const Deadline until = std::chrono::steady_clock::now() + broker_->timeout() + kAnswerSlack;
  if (!broker_->Start(call, &broker_client::AsyncBroker::CheckConnector, std::move(finish))) {
    co_return Broken(ErrorCode::kUnavailable, "the controller is stopping");
  }
  co_return co_await AwaitAnswer(std::move(call), std::move(answered), until);
}

Task<Result<std::string>> ProbeClient::ListenerCa() {
  auto call = std::make_shared<AuthorityCall>();
  auto answered = std::make_shared<OneShot<Result<std::string>>>();
  auto finish = [call, answered](const grpc::Status& status) {
    const bool none = status.error_code() == grpc::StatusCode::FAILED_PRECONDITION ||
                      status.error_code() == grpc::StatusCode::UNIMPLEMENTED;  // Of version 0.1.0.
    answered->Set(status.ok() || none ? Result<std::string>(call->response.ca_pem())
                                      : Result<std::string>(FromStatus(status)));
  };
  const Deadline until = std::chrono::steady_clock::now() + broker_->timeout() + kAnswerSlack;
  if (!broker_->Start(call, &broker_client::AsyncBroker::GetListenerAuthority, std::move(finish))) {
    co_return Broken(ErrorCode::kUnavailable, "the controller is stopping");
  }
  co_return co_await AwaitAnswer(std::move(call), std::move(answered), until);
}

}  // namespace connector::controller::probe
