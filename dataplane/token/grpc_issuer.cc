#include "dataplane/token/grpc_issuer.h"

#include "common/base/secret_place.h"
#include "common/broker_client/broker_client.h"

#include <openssl/crypto.h>

#include <string>
#include <utility>

namespace connector::dataplane::token {
namespace {

namespace pb = ::connector::broker::v1;
using IssueCall = broker_client::UnaryCall<pb::IssueTokenRequest, pb::IssueTokenResponse>;

void Wipe(std::string* text) {
  OPENSSL_cleanse(text->data(), text->size());
}

WallTime ToWallTime(const google::protobuf::Timestamp& time) {
  return WallTime(std::chrono::duration_cast<WallTime::duration>(
      std::chrono::seconds(time.seconds()) + std::chrono::nanoseconds(time.nanos())));
}

pb::IssueTokenRequest ToRequest(const GrantRequest& grant_request) {
  pb::IssueTokenRequest request;
  if (!grant_request.upstream_host.empty()) {
    request.set_upstream_host(grant_request.upstream_host);
  } else if (!grant_request.connector.name.empty()) {
    request.mutable_connector()->set_namespace_(grant_request.connector.ns);
    request.mutable_connector()->set_name(grant_request.connector.name);
  }
  request.set_caller_token(std::string(grant_request.caller_token->Reveal()));
  request.set_request_id(grant_request.request_id);
  request.set_client_address(grant_request.client_address);
  request.set_mint_anew(grant_request.mint_anew);
  for (const ::connector::oci::Scope& scope : grant_request.scopes) {
    pb::Scope* const out = request.add_scopes();
    out->set_repository(scope.repository);
    const auto add = [&](::connector::oci::Action action, pb::Action value) {
      if (scope.actions.Has(action)) {
        out->add_actions(value);
      }
    };
    add(::connector::oci::Action::kPull, pb::ACTION_PULL);
    add(::connector::oci::Action::kPush, pb::ACTION_PUSH);
    add(::connector::oci::Action::kDelete, pb::ACTION_DELETE);
  }
  return request;
}

DenialReason ToReason(pb::DenialReason reason) {
  switch (reason) {
    case pb::DENIAL_REASON_CALLER_UNAUTHENTICATED:
      return DenialReason::kCallerUnauthenticated;
    case pb::DENIAL_REASON_CONNECTOR_NOT_FOUND:
      return DenialReason::kConnectorNotFound;
    case pb::DENIAL_REASON_ACCESS_DENIED:
      return DenialReason::kAccessDenied;
    case pb::DENIAL_REASON_SECRET_UNAVAILABLE:
      return DenialReason::kSecretUnavailable;
    case pb::DENIAL_REASON_UPSTREAM_REFUSED:
      return DenialReason::kUpstreamRefused;
    case pb::DENIAL_REASON_UPSTREAM_UNAVAILABLE:
      return DenialReason::kUpstreamUnavailable;
    case pb::DENIAL_REASON_UPSTREAM_TIMEOUT:
      return DenialReason::kUpstreamTimeout;
    case pb::DENIAL_REASON_RATE_LIMITED:
      return DenialReason::kRateLimited;
    case pb::DENIAL_REASON_AUDIT_UNAVAILABLE:
      return DenialReason::kAuditUnavailable;
    case pb::DENIAL_REASON_IDENTITY_UNAVAILABLE:
      return DenialReason::kIdentityUnavailable;
    case pb::DENIAL_REASON_INVALID_REQUEST:
      return DenialReason::kInvalidRequest;
    case pb::DENIAL_REASON_DENIED_BY_OPERATOR:
      return DenialReason::kDeniedByOperator;
    default:
      return DenialReason::kAccessDenied;  // A reason that we do not know is still a refusal.
  }
}

GrantResult Unavailable(std::string message) {
  return GrantDenial{
      DenialReason::kBrokerUnavailable, std::move(message), std::chrono::seconds(2), {}};
}

GrantResult ToGrantResult(pb::IssueTokenResponse& response) {
  if (response.has_denial()) {
    const pb::Denial& denial = response.denial();
    return GrantDenial{ToReason(denial.reason()),
                       denial.message(),
                       std::chrono::seconds(denial.retry_after().seconds()),
                       denial.subject()};
  }
  if (!response.has_grant()) {
    return Unavailable("the broker's answer holds neither a grant nor a denial");
  }
  const pb::Grant& from = response.grant();
  auto grant = std::make_shared<Grant>();
  grant->connector = {from.connector().namespace_(), from.connector().name()};
  grant->subject = from.subject();
  grant->epoch = from.epoch();
  grant->deny_list = from.deny_list();
  grant->authorization_not_after = ToWallTime(from.authorization_not_after());
  grant->not_after = from.has_credential() ? ToWallTime(from.credential().not_after())
                                           : grant->authorization_not_after;
  grant->single_use = from.credential().single_use();
  std::string_view prefix;
  switch (from.credential().scheme()) {
    case pb::CREDENTIAL_SCHEME_BEARER:
      prefix = "Authorization: Bearer ";
      break;
    case pb::CREDENTIAL_SCHEME_BASIC:
      prefix = "Authorization: Basic ";
      break;
    default:
      return grant;
  }
  const std::string& value = from.credential().value();
  // The value goes into a head as it is: a byte outside printable ASCII would end the field.
  for (const char c : value) {
    if (c <= 0x20 || c >= 0x7F) {
      return Unavailable("the broker's credential holds a character that no header may carry");
    }
  }
  grant->authorization_line = from.credential().scheme() == pb::CREDENTIAL_SCHEME_BASIC
                                  ? Secret(prefix, value, "\r\n")
                                  : TokenSecret(prefix, value, "\r\n");
  grant->no_echo = oci::NoEcho(value);
  return grant;
}

}  // namespace

GrpcIssuer::GrpcIssuer(const std::shared_ptr<grpc::ChannelInterface>& channel,
                       std::chrono::milliseconds timeout)
    : broker_(std::make_unique<broker_client::BrokerClient>(channel, timeout)) {}

GrpcIssuer::~GrpcIssuer() = default;

void GrpcIssuer::Issue(GrantRequest grant_request, std::function<void(GrantResult)> done) {
  auto call = std::make_shared<IssueCall>();
  call->request = ToRequest(grant_request);
  auto finish = [call, done](const grpc::Status& status) {
    Wipe(call->request.mutable_caller_token());
    GrantResult outcome = status.ok()
                              ? ToGrantResult(call->response)
                              : Unavailable("the broker gave no answer: " + status.error_message());
    if (call->response.has_grant()) {
      Wipe(call->response.mutable_grant()->mutable_credential()->mutable_value());
    }
    done(std::move(outcome));
  };
  if (!broker_->Start(call, &broker_client::AsyncBroker::IssueToken, std::move(finish))) {
    done(Unavailable("this data plane is stopping"));
  }
}

}  // namespace connector::dataplane::token
