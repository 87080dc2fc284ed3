#include "broker/authorization/decision.h"

#include "broker/authorization/access_rules.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace connector::broker::authorization {
namespace {

constexpr std::string_view kAgain = "try again, then tell the connector's owner";
constexpr std::chrono::seconds kRetrySoon{1};
constexpr std::chrono::seconds kRetryLater{5};
constexpr std::chrono::seconds kMaxRetryAfter{3600};

std::chrono::seconds RetryAfter(const Error& error, std::chrono::seconds otherwise) {
  return std::clamp(
      error.retry_after.count() > 0 ? error.retry_after : otherwise, kRetrySoon, kMaxRetryAfter);
}

// What happened, and what to do about it. A minter's message is used only where it names the
// registry, because it is meant for the client's user.
std::string Sentence(const resource::Connector& connector,
                     const Error& error,
                     std::string ours,
                     std::string_view next_step) {
  const bool theirs = error.origin == ErrorOrigin::kUpstream &&
                      error.message.find(connector.address.host) != std::string::npos;
  std::string what = theirs ? error.message : std::move(ours);
  if (what.starts_with("the ")) {  // And not a host's name.
    what.front() = 'T';
  }
  return what.append("; ").append(next_step).append(".");
}

Refusal SecretUnavailable(const resource::Connector& connector, const Error& error) {
  const bool may_recover = error.retry == Retry::kSafe;
  // Names the place only. What the store says is for the connector's owner, not for its users.
  const auto& vault = connector.auth.vault;
  const std::string place = vault ? ", in Vault at " + vault->path + "," : "";
  return {v1::DENIAL_REASON_SECRET_UNAVAILABLE,
          "The credential that connector " + connector.ref.ToString() + " keeps for " +
              connector.address.host + place +
              (may_recover ? " cannot be read right now; try again."
                           : " cannot be used; ask the connector's owner to check it."),
          error.message,
          may_recover ? RetryAfter(error, kRetryLater) : std::chrono::seconds(0)};
}

}  // namespace

std::string ToString(const Target& target) {
  if (const auto* ref = std::get_if<ConnectorRef>(&target)) {
    return ref->ToString();
  }
  const auto* mirror = std::get_if<MirrorRegistry>(&target);
  return mirror != nullptr ? mirror->host : std::string();
}

std::string ReasonName(v1::DenialReason reason) {
  constexpr std::string_view kPrefix = "DENIAL_REASON_";
  const std::string& name = v1::DenialReason_Name(reason);
  return name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
}

Refusal CallerRefused(const Error& error) {
  if (error.code == ErrorCode::kUnauthenticated || error.code == ErrorCode::kInvalidArgument) {
    return {v1::DENIAL_REASON_CALLER_UNAUTHENTICATED,
            "The caller token was not accepted: send a valid token of yours as the password.",
            error.message,
            {}};
  }
  return {v1::DENIAL_REASON_IDENTITY_UNAVAILABLE,
          "The caller token cannot be verified right now; try again.",
          error.message,
          RetryAfter(error, kRetryLater)};
}

Refusal AccessUnknown(const Error& error) {
  return {v1::DENIAL_REASON_IDENTITY_UNAVAILABLE,
          "Whether you may use the connector cannot be checked right now; try again.",
          error.message,
          RetryAfter(error, kRetryLater)};
}

Refusal ConnectorNotFound(const std::string& asked_for, std::string detail) {
  return {
      v1::DENIAL_REASON_CONNECTOR_NOT_FOUND,
      "There is no connector " + asked_for +
          ", or you may not use it; ask its owner for an access rule, and in Kubernetes for get "
          "on connectors/proxy.",
      std::move(detail),
      {}};
}

Refusal VerbMissing(const ConnectorRef& connector,
                    const std::vector<oci::Scope>& scopes,
                    std::string_view verb,
                    std::string detail) {
  return {v1::DENIAL_REASON_ACCESS_DENIED,
          VerbSentence(connector, scopes, verb),
          std::move(detail),
          {}};
}

Refusal AccessDenied(const resource::Connector& connector,
                     const std::vector<oci::Scope>& scopes,
                     std::string detail) {
  return {
      v1::DENIAL_REASON_ACCESS_DENIED, DenialSentence(connector, scopes), std::move(detail), {}};
}

Refusal MintFailed(const resource::Connector& connector, const Error& error) {
  const std::string& host = connector.address.host;
  const bool upstream = error.origin == ErrorOrigin::kUpstream;
  switch (error.code) {
    case ErrorCode::kPermissionDenied:
      return upstream ? Refusal{v1::DENIAL_REASON_UPSTREAM_REFUSED,
                                Sentence(connector,
                                         error,
                                         "The registry " + host +
                                             " refused the credential of connector " +
                                             connector.ref.ToString(),
                                         "ask its owner to check it with connectorctl check"),
                                error.message,
                                {}}
                      : SecretUnavailable(connector, error);
    case ErrorCode::kResourceExhausted:
      return {
          v1::DENIAL_REASON_RATE_LIMITED,
          upstream
              ? Sentence(
                    connector, error, "The registry " + host + " asks to wait", "try again later")
              : "Too many new tokens of " + host +
                    " are asked for at once; try again in a moment, or with fewer "
                    "repositories at once.",
          error.message,
          RetryAfter(error, kRetryLater)};
    case ErrorCode::kDeadlineExceeded:
      if (!upstream) {
        return SecretUnavailable(connector, error);
      }
      return {
          v1::DENIAL_REASON_UPSTREAM_TIMEOUT,
          Sentence(
              connector, error, "The token service of " + host + " did not answer in time", kAgain),
          error.message,
          RetryAfter(error, kRetrySoon)};
    case ErrorCode::kNotFound:
      return SecretUnavailable(connector, error);
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kUnavailable:
      if (!upstream) {
        return SecretUnavailable(connector, error);
      }
      break;
    default:
      break;
  }
  return {v1::DENIAL_REASON_UPSTREAM_UNAVAILABLE,
          Sentence(connector, error, "No token could be had for " + host, kAgain),
          error.message,
          RetryAfter(error, kRetryLater)};
}

Refusal TokenForAnother(const ConnectorRef& connector) {
  return {v1::DENIAL_REASON_ACCESS_DENIED,
          "The caller token is for another connector: send one whose audience ends in /" +
              connector.ToString() + ".",
          "the token's audience does not name " + connector.ToString(),
          {}};
}

Refusal AudienceMissing(const ConnectorRef& connector) {
  return {v1::DENIAL_REASON_ACCESS_DENIED,
          "Connector " + connector.ToString() +
              " accepts only tokens of its own: send one whose audience ends in /" +
              connector.ToString() + ".",
          "requireConnectorAudience: the token's audience does not name the connector",
          {}};
}

Refusal DeniedByOperator(std::string detail) {
  return {v1::DENIAL_REASON_DENIED_BY_OPERATOR,
          "The operator of this installation has withdrawn your access; ask them.",
          std::move(detail),
          {}};
}

Refusal AuditFailed(const Error& error) {
  return {v1::DENIAL_REASON_AUDIT_UNAVAILABLE,
          "The decision cannot be recorded right now, so nothing is issued; try again.",
          error.message,
          kRetryLater};
}

Refusal RequestInvalid(const Error& error) {
  return {v1::DENIAL_REASON_INVALID_REQUEST,
          "The request is not valid: " + error.message + ".",
          error.message,
          {}};
}

Refusal ConnectorChanging(const resource::Connector& connector) {
  return {v1::DENIAL_REASON_UPSTREAM_UNAVAILABLE,
          "Connector " + connector.ref.ToString() + " for " + connector.address.host +
              " is being changed; try again.",
          "the connector changed twice while a token was minted",
          kRetrySoon};
}

}  // namespace connector::broker::authorization
