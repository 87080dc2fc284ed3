#pragma once

// The target of a request, and the reason of a denial: what the client sees, and what only log and
// audit hold. Pure.

#include "common/base/connector_ref.h"
#include "common/base/result.h"
#include "common/oci/reference.h"
#include "common/resource/connector.h"

#include "proto/connector/broker/v1/broker.pb.h"

#include <chrono>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace connector::broker::authorization {

struct AnyConnector {  // The request only verifies the caller.
  bool operator==(const AnyConnector&) const = default;
};
struct MirrorRegistry {
  std::string host;  // "host[:port]" of the registry, as the client named it in ?ns=.
  bool operator==(const MirrorRegistry&) const = default;
};
using Target = std::variant<AnyConnector, ConnectorRef, MirrorRegistry>;

// For people: "namespace/name", "host:port", or empty.
[[nodiscard]] std::string ToString(const Target& target);

struct Refusal {
  v1::DenialReason reason = v1::DENIAL_REASON_UNSPECIFIED;
  std::string message;                  // For the client's user.
  std::string detail;                   // For operators: log and audit.
  std::chrono::seconds retry_after{0};  // Zero: another attempt cannot help.

  bool operator==(const Refusal&) const = default;
};

// "ACCESS_DENIED": the name without its enum's prefix, for metrics and audit.
[[nodiscard]] std::string ReasonName(v1::DenialReason reason);

// One text for every cause, so that a client learns nothing by guessing. `error` says which check
// failed. An issuer that does not answer has a text of its own, because a retry helps.
[[nodiscard]] Refusal CallerRefused(const Error& error);

// The API server did not say whether the caller may use the connector. The text names no connector:
// perhaps this caller must not know that it exists.
[[nodiscard]] Refusal AccessUnknown(const Error& error);

// One text for a connector that does not exist and for one that this caller may not use at all.
[[nodiscard]] Refusal ConnectorNotFound(const std::string& asked_for, std::string detail);

// RBAC lets the caller use the connector, and lacks `verb` for what the request does.
[[nodiscard]] Refusal VerbMissing(const ConnectorRef& connector,
                                  const std::vector<oci::Scope>& scopes,
                                  std::string_view verb,
                                  std::string detail);

[[nodiscard]] Refusal AccessDenied(const resource::Connector& connector,
                                   const std::vector<oci::Scope>& scopes,
                                   std::string detail);

// Errors of upstream_auth::TokenSource::Get. The message always names the registry's host.
[[nodiscard]] Refusal MintFailed(const resource::Connector& connector, const Error& error);

// The caller token's audience names other connectors. The same whether there is such a connector or
// not.
[[nodiscard]] Refusal TokenForAnother(const ConnectorRef& connector);
// The connector accepts only tokens whose audience names it.
[[nodiscard]] Refusal AudienceMissing(const ConnectorRef& connector);

// The deny list names the caller; one text whatever it is denied by. `detail` names the entry.
[[nodiscard]] Refusal DeniedByOperator(std::string detail);

[[nodiscard]] Refusal AuditFailed(const Error& error);
[[nodiscard]] Refusal RequestInvalid(const Error& error);
[[nodiscard]] Refusal ConnectorChanging(const resource::Connector& connector);

}  // namespace connector::broker::authorization
