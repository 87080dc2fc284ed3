#include "broker/api/issue_token_handler.h"

#include "broker/api/to_proto.h"
#include "broker/audit/refusal_budget.h"
#include "broker/authorization/authorize.h"
#include "broker/callers/token_key.h"
#include "common/base/keyed_version.h"
#include "common/log/log.h"

#include <algorithm>
#include <utility>

namespace connector::broker::api {
namespace {

constexpr int kMaxEvaluations = 2;  // One more when the connector changed during the first.

std::string ScopesText(const std::vector<oci::Scope>& scopes) {
  std::string text;
  for (const oci::Scope& scope : scopes) {
    text.append(text.empty() ? "" : " ").append(scope.ToString());
  }
  return text;
}

bool IsCredential(const std::shared_ptr<const upstream_auth::UpstreamToken>& token) {
  return token && token->scheme != upstream_auth::CredentialScheme::kNone;
}

}  // namespace

Task<v1::IssueTokenResponse> IssueTokenHandler::Handle(const v1::IssueTokenRequest& request,
                                                       std::string peer,
                                                       Deadline deadline) {
  Result<IssueQuery> query = ParseIssueRequest(request);
  std::optional<authorization::Refusal> refusal;
  if (!query) {
    refusal = authorization::RequestInvalid(query.error());
    IssueLabels labels = LabelsOf(request);
    query = IssueQuery{
        {}, {}, {}, std::move(labels.request_id), std::move(labels.client_address), false};
  }
  callers::UnverifiedToken unverified(std::move(query->caller_token),
                                      audit::SourceOf(query->client_address));
  const auto now = std::chrono::steady_clock::now();
  return Run(std::make_shared<Call>(Call{std::move(*query),
                                         std::move(unverified),
                                         std::move(peer),
                                         deadline,
                                         now,
                                         std::nullopt,
                                         nullptr,
                                         nullptr,
                                         {},
                                         std::move(refusal)}));
}

Task<v1::IssueTokenResponse> IssueTokenHandler::Run(CallPtr call) {
  if (!call->refusal) {
    co_await Decide(call);
  }
  // Again, because the list may have changed while a token was minted.
  if (!call->refusal) {
    RefuseIfDenied(*call);
  }
  auditlog::Event event = Record(*call);
  const Result<Done> durable = co_await parts_.audit->Append(std::move(event));
  if (!durable) {
    call->refusal =
        authorization::AuditFailed(durable.error());  // No audit, no token (docs/promises.md P4).
  }
  Report(*call);
  co_return Answer(*call);
}

Task<Done> IssueTokenHandler::Decide(CallPtr call) {
  if (call->token.UncheckedBytes().empty()) {
    call->refusal = authorization::CallerRefused(
        MakeError(ErrorCode::kUnauthenticated, ErrorOrigin::kClient, "no token was sent"));
    co_return Done{};
  }
  Result<callers::Caller> caller = co_await parts_.verifier->Verify(call->token, call->deadline);
  if (!caller) {
    call->refusal = authorization::CallerRefused(caller.error());
    co_return Done{};
  }
  call->caller = std::move(*caller);
  RefuseIfDenied(*call);
  if (!call->refusal && !std::holds_alternative<authorization::AnyConnector>(call->query.target)) {
    co_await Mint(call);
  }
  co_return Done{};
}

void IssueTokenHandler::RefuseIfDenied(Call& call) const {
  if (parts_.deny_list == nullptr) {
    return;
  }
  const deny_list::ActiveDenyList::ListPtr list = parts_.deny_list->Current();
  call.deny_list = list->version();
  if (call.deny_list.empty()) {
    return;
  }
  const deny_list::DeniedEntry* entry = list->FindCaller(*call.caller, call.token);
  entry = entry != nullptr ? entry : list->FindPeer({call.peer});
  if (entry != nullptr) {
    parts_.deny_list->NoteRefused(*entry);
    call.refusal = authorization::DeniedByOperator("the deny list has " + Describe(*entry));
  }
}

// The epoch in the answer must be the one that was evaluated, and must still hold after minting.
// Otherwise a data plane would use a token of an old rule under the new one.
Task<Done> IssueTokenHandler::Mint(CallPtr call) {
  for (int evaluation = 0; evaluation < kMaxEvaluations; ++evaluation) {
    co_await Choose(call, parts_.catalog->Current());
    if (call->refusal || call->query.scopes.empty()) {
      co_return Done{};
    }
    if (call->query.mint_anew && evaluation == 0) {
      parts_.tokens->Forget(*call->entry, call->query.scopes);
    }
    std::vector<oci::Scope> scopes = call->query.scopes;
    std::string subject = call->caller->Name();
    auto token = co_await parts_.tokens->Get(
        call->entry, std::move(scopes), std::move(subject), call->deadline);
    const auto current = parts_.catalog->Current()->Find(call->entry->connector->ref);
    if (!current || !SameVersion(current->epoch, call->entry->epoch)) {
      continue;
    }
    if (token) {
      call->upstream_token = std::move(*token);
    } else {
      call->refusal = authorization::MintFailed(*call->entry->connector, token.error());
    }
    co_return Done{};
  }
  call->refusal = authorization::ConnectorChanging(*call->entry->connector);
  co_return Done{};
}

Task<Done> IssueTokenHandler::Choose(CallPtr call,
                                     std::shared_ptr<const connectors::CatalogSnapshot> snapshot) {
  authorization::AccessRequest request{
      std::move(snapshot),
      call->query.target,
      *call->caller,
      parts_.access == nullptr ? "" : callers::TokenKey(call->token),
      call->query.scopes};
  authorization::Authorization made =
      co_await authorization::Authorize(parts_.access, std::move(request), call->deadline);
  call->entry = std::move(made.choice.entry);
  call->rule = std::move(made.choice.rule);
  call->refusal = std::move(made.choice.refusal);
  call->right_checked_at = made.right_checked_at;
  co_return Done{};
}

// Counted from when the API server was asked, not from now. So a deleted pod or RoleBinding ends
// the right within one lifetime, whatever was cached (docs/promises.md P6).
WallTime IssueTokenHandler::RightEnds(const Call& call) const {
  WallTime since = parts_.clock->Now();
  for (const WallTime checked_at : {call.caller->caller_checked_at, call.right_checked_at}) {
    if (checked_at != WallTime{}) {
      since = std::min(since, checked_at);
    }
  }
  return std::min(since + kAuthorizationLifetime, call.caller->expires_at);
}

auditlog::Event IssueTokenHandler::Record(const Call& call) const {
  auditlog::Event event;
  event.time = parts_.clock->Now();
  event.request_id = call.query.request_id;
  event.client_address = call.query.client_address;
  event.peer = call.peer;
  event.subject = call.caller ? call.caller->Name() : std::string();
  event.connector =
      call.entry ? call.entry->connector->ref.ToString() : ToString(call.query.target);
  event.scopes = ScopesText(call.query.scopes);
  event.allowed = !call.refusal;
  if (call.refusal) {
    event.reason = authorization::ReasonName(call.refusal->reason);
    event.detail = call.refusal->detail;
  } else {
    event.rule = call.rule;
    event.not_after =
        IsCredential(call.upstream_token) ? call.upstream_token->not_after : WallTime{};
  }
  return event;
}

v1::IssueTokenResponse IssueTokenHandler::Answer(const Call& call) const {
  v1::IssueTokenResponse response;
  if (call.refusal) {
    v1::Denial& denial = *response.mutable_denial();
    denial.set_reason(call.refusal->reason);
    denial.set_message(call.refusal->message);
    if (call.refusal->retry_after.count() > 0) {
      denial.mutable_retry_after()->set_seconds(call.refusal->retry_after.count());
    }
    denial.set_subject(call.caller ? call.caller->Name() : std::string());
    if (call.entry) {
      *denial.mutable_connector() = ToProto(call.entry->connector->ref);
    }
    return response;
  }
  v1::Grant& grant = *response.mutable_grant();
  grant.set_subject(call.caller->Name());
  *grant.mutable_authorization_not_after() = ToProto(RightEnds(call));
  grant.set_deny_list(call.deny_list);
  if (call.entry) {
    *grant.mutable_connector() = ToProto(call.entry->connector->ref);
    grant.set_secret_class(ToProto(resource::ClassOf(call.entry->connector->auth.kind)));
    grant.set_epoch(call.entry->epoch);
  }
  if (call.upstream_token) {
    *grant.mutable_credential() = ToProto(*call.upstream_token);
  }
  return response;
}

void IssueTokenHandler::Report(const Call& call) const {
  IssueOutcome outcome;
  outcome.took = std::chrono::steady_clock::now() - call.start;
  if (call.entry) {
    outcome.connector = call.entry->connector->ref.ToString();
  }
  if (call.refusal) {
    outcome.reason = call.refusal->reason;
    outcome.message = call.refusal->message;
  }
  parts_.observe(outcome);
  if (!parts_.log->Enabled(log::Level::kInfo)) {
    return;
  }
  const std::string subject = call.caller ? call.caller->Name() : std::string();
  const std::string connector = call.entry ? outcome.connector : ToString(call.query.target);
  parts_.log->Info(
      "issue_token",
      {{"request_id", call.query.request_id},
       {"peer", call.peer},
       {"client", call.query.client_address},
       {"subject", subject},
       {"connector", connector},
       {"scopes", ScopesText(call.query.scopes)},
       {"decision",
        call.refusal ? authorization::ReasonName(call.refusal->reason) : std::string("GRANTED")},
       {"rule", call.refusal ? std::string() : call.rule},
       {"detail", call.refusal ? call.refusal->detail : std::string()},
       {"duration_us",
        std::chrono::duration_cast<std::chrono::microseconds>(outcome.took).count()}});
}

}  // namespace connector::broker::api
