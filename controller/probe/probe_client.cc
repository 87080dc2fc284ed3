#include "controller/probe/probe_client.h"

#include "common/async/one_shot.h"

#include "proto/connector/broker/v1/broker.grpc.pb.h"

#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace connector::controller::probe {
namespace {

namespace pb = ::connector::broker::v1;
using Steps = std::vector<status::ProbeStepResult>;

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

}  // namespace

struct ProbeClient::Impl {
  struct Call {
    grpc::ClientContext context;
    pb::CheckConnectorRequest request;
    pb::CheckConnectorResponse response;
    std::shared_ptr<OneShot<Result<Steps>>> answer = std::make_shared<OneShot<Result<Steps>>>();
  };

  std::unique_ptr<pb::Broker::Stub> stub;
  std::chrono::milliseconds timeout{};
  std::mutex mutex;
  std::condition_variable idle;
  std::set<std::shared_ptr<Call>> calls;
  bool stopping = false;

  // False when nothing may be asked any more.
  bool Begin(const std::shared_ptr<Call>& call) {
    const std::lock_guard lock(mutex);
    return !stopping && calls.insert(call).second;
  }

  void Finish(const std::shared_ptr<Call>& call, const grpc::Status& status) {
    call->answer->Set(status.ok() ? Result<Steps>(FromResponse(call->response))
                                  : Result<Steps>(FromStatus(status)));
    const std::lock_guard lock(mutex);
    calls.erase(call);
    idle.notify_all();
  }
};

ProbeClient::ProbeClient(const std::shared_ptr<grpc::ChannelInterface>& channel,
                         std::chrono::milliseconds timeout)
    : impl_(std::make_shared<Impl>()) {
  impl_->stub = pb::Broker::NewStub(channel);
  impl_->timeout = timeout;
}

void ProbeClient::Shutdown() {
  const std::lock_guard lock(impl_->mutex);
  impl_->stopping = true;
  for (const auto& call : impl_->calls) {
    call->context.TryCancel();
  }
}

ProbeClient::~ProbeClient() {
  Shutdown();
  std::unique_lock lock(impl_->mutex);
  impl_->idle.wait(lock, [this] { return impl_->calls.empty(); });
}

Task<Result<Steps>> ProbeClient::Check(ConnectorRef ref) {
  const std::shared_ptr<Impl> impl = impl_;
  auto call = std::make_shared<Impl::Call>();
  call->request.mutable_connector()->set_namespace_(ref.ns);
  call->request.mutable_connector()->set_name(ref.name);
  call->context.set_deadline(std::chrono::system_clock::now() + impl->timeout);
  if (!impl->Begin(call)) {
    co_return Broken(ErrorCode::kUnavailable, "the controller is stopping");
  }
  // The client's destructor waits for the callback, so that a plain pointer serves.
  auto finish = [owner = impl.get(), call](const grpc::Status& status) {
    owner->Finish(call, status);
  };
  impl->stub->async()->CheckConnector(
      &call->context, &call->request, &call->response, std::move(finish));
  const Deadline until = std::chrono::steady_clock::now() + impl->timeout + kAnswerSlack;
  std::optional<Result<Steps>> answer = co_await OneShot<Result<Steps>>::Wait(call->answer, until);
  if (!answer) {
    call->context.TryCancel();
    co_return Broken(ErrorCode::kDeadlineExceeded, "the broker did not answer in time");
  }
  co_return *std::move(answer);
}

}  // namespace connector::controller::probe
