#include "broker/api/broker_service.h"

#include "broker/api/watch_stream.h"
#include "common/grpc/peer.h"
#include "common/log/log.h"

#include <string_view>
#include <utility>
#include <vector>

namespace connector::broker::api {
namespace {

::grpc::Status NotAllowed() {
  return ::grpc::Status(::grpc::StatusCode::PERMISSION_DENIED,
                        "this client certificate may not call this method");
}

::grpc::Status NoListenerAuthority() {
  return ::grpc::Status(::grpc::StatusCode::FAILED_PRECONDITION,
                        "this broker issues no listener certificates; add listenerAuthority: {} to "
                        "its configuration");
}

::grpc::StatusCode CodeOf(const Error& error) {
  switch (error.code) {
    case ErrorCode::kNotFound:
      return ::grpc::StatusCode::NOT_FOUND;
    case ErrorCode::kResourceExhausted:
      return ::grpc::StatusCode::RESOURCE_EXHAUSTED;
    case ErrorCode::kUnavailable:
      return ::grpc::StatusCode::UNAVAILABLE;
    case ErrorCode::kInternal:
      return ::grpc::StatusCode::INTERNAL;
    default:
      return ::grpc::StatusCode::INVALID_ARGUMENT;
  }
}

::grpc::Status ToStatus(const Error& error) {
  return ::grpc::Status(CodeOf(error), error.message);
}

// Awaits a handler and moves its answer into the message that gRPC sends.
Task<::grpc::Status> Deliver(Task<v1::IssueTokenResponse> task, v1::IssueTokenResponse* out) {
  *out = co_await std::move(task);
  co_return ::grpc::Status::OK;
}

template <typename Response>
Task<::grpc::Status> Deliver(Task<Result<Response>> task, Response* out) {
  Result<Response> result = co_await std::move(task);
  if (!result) {
    co_return ToStatus(result.error());
  }
  *out = std::move(*result);
  co_return ::grpc::Status::OK;
}

::grpc::ServerUnaryReactor* FinishWith(::grpc::CallbackServerContext& context,
                                       const ::grpc::Status& status) {
  ::grpc::ServerUnaryReactor* const reactor = context.DefaultReactor();
  reactor->Finish(status);
  return reactor;
}

class RefusedWatch final : public ::grpc::ServerWriteReactor<v1::WatchRoutesResponse> {
 public:
  explicit RefusedWatch(const ::grpc::Status& why) { Finish(why); }
  void OnDone() override { delete this; }
};

}  // namespace

BrokerService::BrokerService(BrokerServiceParts parts, PeerLists peers)
    : parts_(parts), peers_(std::move(peers)), calls_(*parts.io, *parts.log) {
  SetMessageAllocatorFor_IssueToken(&issue_messages_);
  SetMessageAllocatorFor_ExplainAccess(&explain_messages_);
  SetMessageAllocatorFor_GetSealingKeys(&key_messages_);
}

::grpc::ServerUnaryReactor* BrokerService::IssueToken(::grpc::CallbackServerContext* context,
                                                      const v1::IssueTokenRequest* request,
                                                      v1::IssueTokenResponse* response) {
  Admission admission = Admit(*context, BrokerMethod::kIssueToken);
  if (!admission.peer) {
    return FinishWith(*context, admission.refusal);
  }
  const Deadline deadline = grpc_support::CappedDeadline(*context, kMaxIssueTime);
  return calls_.Run(
      *context,
      Deliver(parts_.issue->Handle(*request, std::move(*admission.peer), deadline), response));
}

::grpc::ServerWriteReactor<v1::WatchRoutesResponse>* BrokerService::WatchRoutes(
    ::grpc::CallbackServerContext* context, const v1::WatchRoutesRequest* /*request*/) {
  const Admission admission = Admit(*context, BrokerMethod::kWatchRoutes);
  if (!admission.peer) {
    return new RefusedWatch(admission.refusal);  // Deletes itself in OnDone.
  }
  return parts_.watch->Open(grpc_support::PeerSans(*context));
}

::grpc::ServerUnaryReactor* BrokerService::GetSealingKeys(
    ::grpc::CallbackServerContext* context,
    const v1::GetSealingKeysRequest* /*request*/,
    v1::GetSealingKeysResponse* response) {
  const Admission admission = Admit(*context, BrokerMethod::kGetSealingKeys);
  if (!admission.peer) {
    return FinishWith(*context, admission.refusal);
  }
  parts_.sealing_keys->Fill(*response);
  return FinishWith(*context, ::grpc::Status::OK);
}

::grpc::ServerUnaryReactor* BrokerService::CheckConnector(::grpc::CallbackServerContext* context,
                                                          const v1::CheckConnectorRequest* request,
                                                          v1::CheckConnectorResponse* response) {
  Admission admission = Admit(*context, BrokerMethod::kCheckConnector);
  if (!admission.peer) {
    return FinishWith(*context, admission.refusal);
  }
  const Deadline deadline = grpc_support::CappedDeadline(*context, kMaxCheckTime);
  return calls_.Run(
      *context,
      Deliver(parts_.operators->Check(*request, std::move(*admission.peer), deadline), response));
}

::grpc::ServerUnaryReactor* BrokerService::ExplainAccess(::grpc::CallbackServerContext* context,
                                                         const v1::ExplainAccessRequest* request,
                                                         v1::ExplainAccessResponse* response) {
  Admission admission = Admit(*context, BrokerMethod::kExplainAccess);
  if (!admission.peer) {
    return FinishWith(*context, admission.refusal);
  }
  const Deadline deadline = grpc_support::CappedDeadline(*context, kMaxIssueTime);
  return calls_.Run(
      *context,
      Deliver(parts_.operators->Explain(*request, std::move(*admission.peer), deadline), response));
}

::grpc::ServerUnaryReactor* BrokerService::IssueListenerCertificate(
    ::grpc::CallbackServerContext* context,
    const v1::IssueListenerCertificateRequest* request,
    v1::IssueListenerCertificateResponse* response) {
  Admission admission = Admit(*context, BrokerMethod::kIssueListenerCertificate);
  if (!admission.peer) {
    return FinishWith(*context, admission.refusal);
  }
  if (parts_.listeners == nullptr) {
    return FinishWith(*context, NoListenerAuthority());
  }
  return calls_.Run(
      *context, Deliver(parts_.listeners->Issue(*request, std::move(*admission.peer)), response));
}

::grpc::ServerUnaryReactor* BrokerService::GetListenerAuthority(
    ::grpc::CallbackServerContext* context,
    const v1::GetListenerAuthorityRequest* /*request*/,
    v1::GetListenerAuthorityResponse* response) {
  const Admission admission = Admit(*context, BrokerMethod::kGetListenerAuthority);
  if (!admission.peer) {
    return FinishWith(*context, admission.refusal);
  }
  if (parts_.listeners == nullptr) {
    return FinishWith(*context, NoListenerAuthority());
  }
  *response = parts_.listeners->Authority();
  return FinishWith(*context, ::grpc::Status::OK);
}

BrokerService::Admission BrokerService::Admit(const ::grpc::CallbackServerContext& context,
                                              BrokerMethod method) {
  if (parts_.state != nullptr && !parts_.state->answers_calls()) {
    return {
        std::nullopt,
        {::grpc::StatusCode::UNAVAILABLE,
         parts_.state->blind() ? kSeesNoChanges : "the broker has not read its connectors yet"}};
  }
  const std::vector<std::string> sans = grpc_support::PeerSans(context);
  std::optional<std::string> peer = AllowedPeer(peers_, method, sans);
  if (!peer) {
    const std::string first = sans.empty() ? std::string() : sans.front();
    parts_.log->Warning("peer is not allowed to call this method",
                        {{"peer", first}, {"method", static_cast<int>(method)}});
    return {std::nullopt, NotAllowed()};
  }
  if (IsDenied(sans)) {
    return {std::nullopt, PeerIsDenied()};
  }
  called_ = true;
  return {std::move(peer), {}};
}

bool BrokerService::IsDenied(const std::vector<std::string>& sans) const {
  if (parts_.deny_list == nullptr) {
    return false;
  }
  const deny_list::ActiveDenyList::ListPtr list = parts_.deny_list->Current();
  const deny_list::DeniedEntry* const entry = list->FindPeer(sans);
  if (entry != nullptr) {
    parts_.deny_list->NoteRefused(*entry);
    parts_.log->Warning("refused a call of a peer that the deny list names",
                        {{"peer", entry->value}});
  }
  return entry != nullptr;
}

}  // namespace connector::broker::api
