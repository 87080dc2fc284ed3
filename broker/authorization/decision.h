#pragma once

// What a request is about, and why it is denied: what the client is told, and what only log and
// audit know. Pure.

#include "common/base/connector_ref.h"
#include "common/base/result.h"
#include "common/oci/reference.h"
#include "common/resource/connector.h"

#include "proto/connector/broker/v1/broker.pb.h"

#include <chrono>
#include <string>
#include <variant>
#include <vector>

namespace connector::broker::authorization {

struct AnyConnector {  // Only who the caller is, is asked.
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

// One plain text for every cause, so that a client learns nothing from guessing; `error` says which
// check failed. An issuer that cannot be asked is told apart, because waiting helps.
[[nodiscard]] Refusal CallerRefused(const Error& error);

// The cluster could not be asked whether the caller may use the connector. Names none: the caller
// may be one who must not know that it exists.
[[nodiscard]] Refusal AccessUnknown(const Error& error);

// One text for a connector that does not exist and for one that this caller may not use at all.
[[nodiscard]] Refusal ConnectorNotFound(const std::string& asked_for, std::string detail);

[[nodiscard]] Refusal AccessDenied(const resource::Connector& connector,
                                   const std::vector<oci::Scope>& scopes,
                                   std::string detail);

// Errors of upstream_auth::TokenSource::Get. The message always names the registry's host.
[[nodiscard]] Refusal MintFailed(const resource::Connector& connector, const Error& error);

[[nodiscard]] Refusal AuditFailed(const Error& error);
[[nodiscard]] Refusal RequestInvalid(const Error& error);
[[nodiscard]] Refusal ConnectorChanging(const resource::Connector& connector);

}  // namespace connector::broker::authorization
