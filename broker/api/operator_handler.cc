#include "broker/api/operator_handler.h"

#include "broker/api/issue_request.h"
#include "broker/authorization/authorize.h"
#include "broker/callers/token_key.h"
#include "common/log/log.h"

#include <optional>
#include <variant>
#include <vector>

namespace connector::broker::api {

struct OperatorHandler::ExplainCall {
  std::optional<Error> invalid;
  ConnectorRef ref;
  std::vector<oci::Scope> scopes;
  callers::UnverifiedToken token;
  std::string peer;
  Deadline deadline;
};

Task<Result<v1::ExplainAccessResponse>> OperatorHandler::Explain(
    const v1::ExplainAccessRequest& request, std::string peer, Deadline deadline) {
  Result<IssueQuery> query = ParseExplainRequest(request);
  ExplainCall call{std::nullopt,
                   {},
                   {},
                   callers::UnverifiedToken(query ? std::move(query->caller_token) : Secret()),
                   std::move(peer),
                   deadline};
  if (query) {
    call.ref = std::get<ConnectorRef>(query->target);
    call.scopes = std::move(query->scopes);
  } else {
    call.invalid = query.error();
  }
  return RunExplain(std::make_shared<const ExplainCall>(std::move(call)));
}

Task<Result<v1::ExplainAccessResponse>> OperatorHandler::RunExplain(
    std::shared_ptr<const ExplainCall> call) {
  if (call->invalid) {
    co_return *call->invalid;
  }
  v1::ExplainAccessResponse response;
  const Result<callers::Caller> caller =
      co_await parts_.verifier->Verify(call->token, call->deadline);
  const auto snapshot = parts_.catalog->Current();
  const auto denied = parts_.deny_list == nullptr ? nullptr : parts_.deny_list->Current();
  const deny_list::DeniedEntry* const entry =
      denied && caller ? denied->FindCaller(*caller, call->token) : nullptr;
  if (!caller) {
    response.set_reason("the caller token is not accepted: " + caller.error().message);
  } else if (entry != nullptr) {
    response.set_subject(caller->Name());
    response.set_reason("the deny list has " + Describe(*entry) +
                        "; whatever rules say, everything is refused");
  } else if (!snapshot->Find(call->ref)) {
    response.set_subject(caller->Name());
    response.set_reason("there is no connector " + call->ref.ToString());
  } else {
    authorization::AccessRequest asked{
        snapshot, call->ref, *caller, callers::TokenKey(call->token), call->scopes};
    const authorization::Authorization made =
        co_await authorization::Authorize(parts_.access, std::move(asked), call->deadline);
    response.set_subject(caller->Name());
    response.set_allowed(!made.choice.refusal);
    response.set_rule(made.choice.rule);
    response.set_reason(made.choice.refusal ? made.choice.refusal->detail : made.choice.reason);
  }
  parts_.log->Info("explain_access",
                   {{"peer", call->peer},
                    {"subject", response.subject()},
                    {"connector", call->ref.ToString()},
                    {"allowed", response.allowed()},
                    {"reason", response.reason()}});
  co_return response;
}

Task<Result<v1::CheckConnectorResponse>> OperatorHandler::Check(
    const v1::CheckConnectorRequest& request, std::string peer, Deadline deadline) {
  return RunCheck(ConnectorRef{request.connector().namespace_(), request.connector().name()},
                  std::move(peer),
                  deadline);
}

bool OperatorHandler::IsRecorded(const CheckKey& key, WallTime now) {
  const auto is_old = [now](WallTime at) { return at > now || now - at >= kCheckRecordPeriod; };
  const std::lock_guard lock(mutex_);
  if (is_old(swept_at_)) {
    std::erase_if(recorded_, [&](const auto& each) { return is_old(each.second); });
    swept_at_ = now;
  }
  const auto at = recorded_.find(key);
  return at != recorded_.end() && !is_old(at->second);
}

Task<Result<Done>> OperatorHandler::RecordCheck(std::string peer, ConnectorRef ref, bool found) {
  const WallTime now = parts_.clock->Now();
  CheckKey key{peer, ref};
  if (found && IsRecorded(key, now)) {
    co_return Done{};
  }
  auditlog::Event event;
  event.time = now;
  event.peer = std::move(peer);
  event.connector = ref.ToString();
  event.scopes = "check";
  event.allowed = found;
  if (found) {
    event.rule = "peers.operators";
  } else {
    event.reason = "CONNECTOR_NOT_FOUND";
    event.detail = "check: there is no such connector";
  }
  Result<Done> durable = co_await parts_.audit->Append(std::move(event));
  if (durable && found) {
    const std::lock_guard lock(mutex_);
    recorded_.insert_or_assign(std::move(key), now);
  }
  co_return durable;
}

Task<Result<v1::CheckConnectorResponse>> OperatorHandler::RunCheck(ConnectorRef ref,
                                                                   std::string peer,
                                                                   Deadline deadline) {
  const auto entry = parts_.catalog->Current()->Find(ref);
  const Result<Done> recorded = co_await RecordCheck(peer, ref, entry != nullptr);
  if (!recorded) {
    co_return recorded.error();
  }
  if (!entry) {
    Error error = MakeError(
        ErrorCode::kNotFound, ErrorOrigin::kClient, "there is no connector " + ref.ToString());
    co_return error;
  }
  v1::CheckConnectorResponse response = co_await parts_.probe(entry, deadline);
  const bool ok = !response.steps().empty() && response.steps().rbegin()->ok();
  parts_.log->Info("check_connector", {{"peer", peer}, {"connector", ref.ToString()}, {"ok", ok}});
  co_return response;
}

}  // namespace connector::broker::api
