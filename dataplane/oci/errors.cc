#include "dataplane/oci/errors.h"

#include "dataplane/oci/field_writer.h"

#include <algorithm>

namespace connector::dataplane::oci {
namespace {

using addressing::TargetErrorCode;

constexpr std::string_view kCommonFields =
    "Content-Type: application/json\r\nDocker-Distribution-Api-Version: registry/2.0\r\n";
constexpr std::string_view kAllMethods = "GET, HEAD, POST, PATCH, PUT, DELETE";

struct Row {
  int status;
  std::string_view code;
  std::string_view reason;
  std::string_view sentence;
};

Row RowOf(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kBadRequest:
      return {400,
              "UNSUPPORTED",
              "CONNECTOR_REQUEST_MALFORMED",
              "The request is not valid HTTP/1.1; report it to the maker of the client."};
    case ErrorKind::kTlsOnPlainPort:
      return {400,
              "UNSUPPORTED",
              "CONNECTOR_TLS_ON_PLAIN_PORT",
              "This port speaks plain HTTP, and the client sent a TLS hello; allow plain HTTP for "
              "this host in the client, or use the TLS port."};
    case ErrorKind::kNameInvalid:
      return {400,
              "NAME_INVALID",
              "CONNECTOR_NAME_INVALID",
              "The repository's name is not valid; write lower-case components joined by '/'."};
    case ErrorKind::kTagInvalid:
      return {400,
              "TAG_INVALID",
              "CONNECTOR_TAG_INVALID",
              "The tag is not valid; write 1 to 128 of [A-Za-z0-9._-]."};
    case ErrorKind::kDigestInvalid:
      return {400,
              "DIGEST_INVALID",
              "CONNECTOR_DIGEST_INVALID",
              "The digest is not valid; write algorithm:hex, such as sha256: and 64 digits."};
    case ErrorKind::kPageInvalid:
      return {400,
              "PAGINATION_NUMBER_INVALID",
              "CONNECTOR_PAGE_INVALID",
              "The page that was asked for is not valid; follow the Link of the page before."};
    case ErrorKind::kQueryInvalid:
      return {400,
              "UNSUPPORTED",
              "CONNECTOR_QUERY_INVALID",
              "The query is not valid; send only what the OCI distribution API names."};
    case ErrorKind::kManifestTypeMissing:
      return {400,
              "MANIFEST_INVALID",
              "CONNECTOR_MANIFEST_TYPE_MISSING",
              "A manifest needs its Content-Type; report it to the maker of the client."};
    case ErrorKind::kUnauthenticated:
      return {
          401,
          "UNAUTHORIZED",
          "CONNECTOR_UNAUTHENTICATED",
          "Authentication is required: the password is your workload's own identity token for "
          "the audience oci-connector, and it must not have expired; in Kubernetes it comes from "
          "a projected volume, or kubectl create token NAME --audience oci-connector."};
    case ErrorKind::kDenied:
      return {
          403,
          "DENIED",
          "CONNECTOR_ACCESS_DENIED",
          "No access rule of the connector allows this; ask its owner for one under spec.access."};
    case ErrorKind::kDeniedByOperator:
      return {403,
              "DENIED",
              "CONNECTOR_DENIED_BY_OPERATOR",
              "The operator of this installation has withdrawn your access; ask them."};
    case ErrorKind::kUpstreamRefused:
      return {403,
              "DENIED",
              "CONNECTOR_CREDENTIAL_REFUSED",
              "The registry refused the credential that is stored for this connector; ask its "
              "owner to check it with connectorctl check."};
    case ErrorKind::kRegistryRefused:
      return {403,
              "DENIED",
              "CONNECTOR_REGISTRY_REFUSED",
              "The registry refused this request; the repository may not exist there, or the "
              "connector may have no right to it; ask its owner to look with connectorctl check."};
    case ErrorKind::kNoSuchEndpoint:
      return {
          404,
          "NAME_UNKNOWN",
          "CONNECTOR_ENDPOINT_UNKNOWN",
          "There is no such endpoint; write HOST/REPOSITORY:TAG as the connector's README says."};
    case ErrorKind::kConnectorUnknown:
      return {404,
              "NAME_UNKNOWN",
              "CONNECTOR_UNKNOWN",
              "There is no such connector, or you may not use it; check its name and namespace, or "
              "ask its owner for a rule under spec.access, and in Kubernetes for get on "
              "connectors/proxy."};
    case ErrorKind::kUploadUnknown:
      return {404,
              "BLOB_UPLOAD_UNKNOWN",
              "CONNECTOR_UPLOAD_UNKNOWN",
              "There is no such upload here; start it again."};
    case ErrorKind::kMethodUnsupported:
      return {405,
              "UNSUPPORTED",
              "CONNECTOR_METHOD_UNSUPPORTED",
              "The method is not supported here; use one that the field Allow names."};
    case ErrorKind::kManifestTooLarge:
      return {413,
              "SIZE_INVALID",
              "CONNECTOR_MANIFEST_TOO_LARGE",
              "A manifest may be at most 8 MiB; split the index, or move data into blobs."};
    case ErrorKind::kContentType:
      return {
          415,
          "UNSUPPORTED",
          "CONNECTOR_CONTENT_TYPE",
          "An upload's Content-Type must not be that of a form; send application/octet-stream."};
    case ErrorKind::kRateLimited:
      return {429,
              "TOOMANYREQUESTS",
              "CONNECTOR_RATE_LIMITED",
              "There are too many requests; try again later, or with fewer at once."};
    case ErrorKind::kInternal:
      return {500,
              "UNKNOWN",
              "CONNECTOR_INTERNAL",
              "The connector failed; give its operator the X-Request-Id, which its log has too."};
    case ErrorKind::kUpstreamUnavailable:
      return {502,
              "UNKNOWN",
              "CONNECTOR_UPSTREAM_UNAVAILABLE",
              "The registry cannot be reached or does not answer properly; try again, then tell "
              "the connector's owner."};
    case ErrorKind::kRedirectRefused:
      return {502,
              "UNKNOWN",
              "CONNECTOR_REDIRECT_REFUSED",
              "The registry redirected to where the connector may not go; ask its owner to look at "
              "upstream.redirects.hosts."};
    case ErrorKind::kOverloaded:
      return {503,
              "UNAVAILABLE",
              "CONNECTOR_OVERLOADED",
              "The connector is at its limit of connections; try again shortly."};
    case ErrorKind::kStoreBusy:
      return {503,
              "UNAVAILABLE",
              "CONNECTOR_STORE_BUSY",
              "The host that the registry redirected to asks to wait; try again later."};
    case ErrorKind::kSendAgain:
      return {503,
              "UNAVAILABLE",
              "CONNECTOR_SEND_AGAIN",
              "The registry refused the token of this request or closed the connection, and the "
              "body is no longer here to be sent once more; send the request again."};
    case ErrorKind::kBrokerUnavailable:
      return {503,
              "UNAVAILABLE",
              "CONNECTOR_BROKER_UNAVAILABLE",
              "Access cannot be decided right now; try again shortly, then tell the operator that "
              "the broker does not answer."};
    case ErrorKind::kSecretUnavailable:
      return {
          503,
          "UNAVAILABLE",
          "CONNECTOR_SECRET_UNAVAILABLE",
          "The credential of this connector cannot be used; ask its owner to check its Secret."};
    case ErrorKind::kAuditUnavailable:
      return {503,
              "UNAVAILABLE",
              "CONNECTOR_AUDIT_UNAVAILABLE",
              "The decision cannot be recorded right now, so nothing is issued; try again, then "
              "tell the operator."};
    case ErrorKind::kIdentityUnavailable:
      return {503,
              "UNAVAILABLE",
              "CONNECTOR_IDENTITY_UNAVAILABLE",
              "Your identity or your rights cannot be checked right now; try again, then tell the "
              "operator that the token's issuer or the Kubernetes API does not answer."};
    case ErrorKind::kUpstreamTimeout:
      return {504,
              "UNKNOWN",
              "CONNECTOR_UPSTREAM_TIMEOUT",
              "The registry did not answer in time; try again, then tell the connector's owner."};
  }
  return {500, "UNKNOWN", {}, {}};
}

ErrorKind KindOf(DenialReason denial) {
  switch (denial) {
    case DenialReason::kCallerUnauthenticated:
      return ErrorKind::kUnauthenticated;
    case DenialReason::kConnectorNotFound:
      return ErrorKind::kConnectorUnknown;
    case DenialReason::kAccessDenied:
      return ErrorKind::kDenied;
    case DenialReason::kDeniedByOperator:
      return ErrorKind::kDeniedByOperator;
    case DenialReason::kUpstreamRefused:
      return ErrorKind::kUpstreamRefused;
    case DenialReason::kUpstreamUnavailable:
      return ErrorKind::kUpstreamUnavailable;
    case DenialReason::kUpstreamTimeout:
      return ErrorKind::kUpstreamTimeout;
    case DenialReason::kRateLimited:
      return ErrorKind::kRateLimited;
    case DenialReason::kSecretUnavailable:
      return ErrorKind::kSecretUnavailable;
    case DenialReason::kAuditUnavailable:
      return ErrorKind::kAuditUnavailable;
    case DenialReason::kIdentityUnavailable:
      return ErrorKind::kIdentityUnavailable;
    case DenialReason::kBrokerUnavailable:
      return ErrorKind::kBrokerUnavailable;
    case DenialReason::kInvalidRequest:
      return ErrorKind::kNameInvalid;
    case DenialReason::kUnspecified:
      break;
  }
  return ErrorKind::kInternal;
}

ErrorKind KindOf(TargetErrorCode code) {
  switch (code) {
    case TargetErrorCode::kNameInvalid:
      return ErrorKind::kNameInvalid;
    case TargetErrorCode::kTagInvalid:
      return ErrorKind::kTagInvalid;
    case TargetErrorCode::kDigestInvalid:
      return ErrorKind::kDigestInvalid;
    case TargetErrorCode::kPageInvalid:
      return ErrorKind::kPageInvalid;
    case TargetErrorCode::kQueryInvalid:
      return ErrorKind::kQueryInvalid;
    case TargetErrorCode::kUnknownUpload:
      return ErrorKind::kUploadUnknown;
    case TargetErrorCode::kNoSuchEndpoint:
      return ErrorKind::kNoSuchEndpoint;
    case TargetErrorCode::kMethodUnsupported:
    case TargetErrorCode::kCatalog:
      break;
  }
  return ErrorKind::kMethodUnsupported;
}

void AppendEscaped(std::string& out, std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte >= 0x7F) {
      out.push_back('?');
    } else if (byte < 0x20 || c == '<' || c == '>' || c == '&') {
      out.append("\\u00");
      out.push_back(kDigits[byte >> 4U]);
      out.push_back(kDigits[byte & 15U]);
    } else {
      out.push_back(c);
    }
  }
}

// `Warning: 299 - "SENTENCE (REASON)"`: the form that the distribution specification fixes.
void AppendWarning(std::string& out, const ErrorReply& reply) {
  out.append("Warning: 299 - \"");
  for (const char c : std::string_view(reply.message).substr(0, kMaxMessageBytes)) {
    const bool plain = c >= ' ' && c < '\x7F';
    out.append(c == '"' || c == '\\' ? "\\" : "");
    out.push_back(plain ? c : '?');
  }
  out.append(" (").append(reply.reason).append(")\"\r\n");
}

// Everything after the status line.
void AppendOwn(std::string& out,
               std::string_view own_fields,
               std::string_view body,
               const ReplyContext& context) {
  out.append(kCommonFields).append(own_fields);
  AppendField(out, "Content-Length", std::to_string(body.size()));
  if (!context.request_id.empty()) {
    AppendField(out, "X-Request-Id", context.request_id);
  }
  AppendConnection(out, context.client_minor_version, context.keep_alive);
  out.append("\r\n");
  if (!context.head_request) {
    out.append(body);
  }
}

}  // namespace

ErrorReply ReplyFor(ErrorKind kind, std::string_view message) {
  const Row row = RowOf(kind);
  ErrorReply reply;
  reply.status = row.status;
  reply.code = row.code;
  reply.reason = row.reason;
  reply.message = message.empty() ? row.sentence : message;
  reply.challenge = row.status == 401;
  reply.close = kind == ErrorKind::kBadRequest || kind == ErrorKind::kTlsOnPlainPort ||
                kind == ErrorKind::kManifestTooLarge;
  if (row.status == 429 || row.status == 503) {
    reply.retry_after = kDefaultRetryAfter;
  }
  return reply;
}

ErrorReply ReplyFor(const http::HeadFailure& failure) {
  if (failure.reason == http::HeadError::kTlsHandshake) {
    return ReplyFor(ErrorKind::kTlsOnPlainPort);
  }
  ErrorReply reply = ReplyFor(ErrorKind::kBadRequest, failure.sentence);
  reply.status = failure.http_status;
  if (failure.http_status == 405) {
    reply.allow = kAllMethods;
  }
  return reply;
}

ErrorReply ReplyFor(const addressing::TargetError& error) {
  ErrorReply reply = ReplyFor(KindOf(error.code), error.sentence);
  reply.allow = error.allow;
  return reply;
}

ErrorReply ReplyFor(RequestRefusal refusal) {
  switch (refusal) {
    case RequestRefusal::kBodyNotAllowed:
      return ReplyFor(ErrorKind::kBadRequest,
                      "This request carries no body; an upload in one POST needs ?digest=.");
    case RequestRefusal::kContentType:
      return ReplyFor(ErrorKind::kContentType);
    case RequestRefusal::kContentTypeMissing:
      return ReplyFor(ErrorKind::kManifestTypeMissing);
    case RequestRefusal::kManifestTooLarge:
      return ReplyFor(ErrorKind::kManifestTooLarge);
  }
  return ReplyFor(ErrorKind::kInternal);
}

ErrorReply ReplyFor(DenialReason denial,
                    std::string_view message,
                    std::chrono::seconds retry_after) {
  const ErrorKind kind = KindOf(denial);
  // These two must look the same whatever was behind them.
  const bool plain = kind == ErrorKind::kUnauthenticated || kind == ErrorKind::kConnectorUnknown;
  ErrorReply reply = ReplyFor(kind, plain ? std::string_view() : message);
  if (retry_after > std::chrono::seconds{0} && !plain) {
    reply.retry_after = retry_after;
  }
  return reply;
}

std::string ErrorBody(std::string_view code, std::string_view message, std::string_view reason) {
  std::string out = R"({"errors":[{"code":")";
  AppendEscaped(out, code);
  out.append(R"(","message":")");
  AppendEscaped(out, message.substr(0, kMaxMessageBytes));
  out.append(R"(","detail":")");
  AppendEscaped(out, reason);
  return out.append("\"}]}\n");
}

void AppendErrorReply(std::string& out, const ErrorReply& reply, const ReplyContext& context) {
  std::string own;
  if (reply.challenge) {
    // Only Basic, and never anything of the registry's: docs/rules.md "Addressing".
    AppendField(own, "WWW-Authenticate", "Basic realm=\"oci-connector\"");
  }
  if (reply.retry_after > std::chrono::seconds{0}) {
    AppendField(own, "Retry-After", std::to_string(reply.retry_after.count()));
  }
  if (!reply.allow.empty()) {
    AppendField(own, "Allow", reply.allow);
  }
  // Not with a challenge: clients show warnings of the 401 too, which they expect and answer.
  if (context.head_request && !reply.challenge) {
    AppendWarning(own, reply);
  }
  ReplyContext connection = context;
  connection.keep_alive = context.keep_alive && !reply.close;
  AppendStatusLine(out, reply.status);
  AppendOwn(out, own, ErrorBody(reply.code, reply.message, reply.reason), connection);
}

void AppendPingReply(std::string& out, const ReplyContext& context) {
  AppendStatusLine(out, 200);
  AppendOwn(out, {}, "{}", context);
}

}  // namespace connector::dataplane::oci
