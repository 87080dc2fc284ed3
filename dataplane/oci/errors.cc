#include "dataplane/oci/errors.h"

#include "dataplane/oci/field_writer.h"

#include <algorithm>

namespace connector::dataplane::oci {
namespace {

using Code = addressing::TargetErrorCode;

constexpr std::string_view kCommonFields =
    "Content-Type: application/json\r\nDocker-Distribution-Api-Version: registry/2.0\r\n";
constexpr std::string_view kAllMethods = "GET, HEAD, POST, PATCH, PUT, DELETE";

struct Row {
  int status;
  std::string_view code;
  std::string_view reason;
  std::string_view sentence;
};

Row RowOf(Situation situation) {
  switch (situation) {
    case Situation::kBadRequest:
      return {400,
              "UNSUPPORTED",
              "CONNECTOR_REQUEST_MALFORMED",
              "The request is not valid HTTP/1.1; report it to the maker of the client."};
    case Situation::kTlsOnPlainPort:
      return {400,
              "UNSUPPORTED",
              "CONNECTOR_TLS_ON_PLAIN_PORT",
              "This port speaks plain HTTP, and the client sent a TLS hello; allow plain HTTP for "
              "this host in the client, or use the TLS port."};
    case Situation::kNameInvalid:
      return {400,
              "NAME_INVALID",
              "CONNECTOR_NAME_INVALID",
              "The repository's name is not valid; write lower-case components joined by '/'."};
    case Situation::kTagInvalid:
      return {400,
              "TAG_INVALID",
              "CONNECTOR_TAG_INVALID",
              "The tag is not valid; write 1 to 128 of [A-Za-z0-9._-]."};
    case Situation::kDigestInvalid:
      return {400,
              "DIGEST_INVALID",
              "CONNECTOR_DIGEST_INVALID",
              "The digest is not valid; write algorithm:hex, such as sha256: and 64 digits."};
    case Situation::kPageInvalid:
      return {400,
              "PAGINATION_NUMBER_INVALID",
              "CONNECTOR_PAGE_INVALID",
              "The page that was asked for is not valid; follow the Link of the page before."};
    case Situation::kQueryInvalid:
      return {400,
              "UNSUPPORTED",
              "CONNECTOR_QUERY_INVALID",
              "The query is not valid; send only what the OCI distribution API names."};
    case Situation::kManifestTypeMissing:
      return {400,
              "MANIFEST_INVALID",
              "CONNECTOR_MANIFEST_TYPE_MISSING",
              "A manifest needs its Content-Type; report it to the maker of the client."};
    case Situation::kUnauthenticated:
      return {
          401,
          "UNAUTHORIZED",
          "CONNECTOR_UNAUTHENTICATED",
          "Authentication is required: the password is your workload's own identity token for "
          "the audience oci-connector, and it must not have expired; in Kubernetes it comes from "
          "a projected volume, or kubectl create token NAME --audience oci-connector."};
    case Situation::kDenied:
      return {
          403,
          "DENIED",
          "CONNECTOR_ACCESS_DENIED",
          "No access rule of the connector allows this; ask its owner for one under spec.access."};
    case Situation::kUpstreamRefused:
      return {403,
              "DENIED",
              "CONNECTOR_CREDENTIAL_REFUSED",
              "The registry refused the credential that is stored for this connector; ask its "
              "owner to check it with connectorctl check."};
    case Situation::kNoSuchEndpoint:
      return {
          404,
          "NAME_UNKNOWN",
          "CONNECTOR_ENDPOINT_UNKNOWN",
          "There is no such endpoint; write HOST/REPOSITORY:TAG as the connector's README says."};
    case Situation::kConnectorUnknown:
      return {404,
              "NAME_UNKNOWN",
              "CONNECTOR_UNKNOWN",
              "There is no such connector, or you may not use it; check its name and namespace, or "
              "ask its owner for a rule under spec.access, and in Kubernetes for get on "
              "connectors/proxy."};
    case Situation::kUploadUnknown:
      return {404,
              "BLOB_UPLOAD_UNKNOWN",
              "CONNECTOR_UPLOAD_UNKNOWN",
              "There is no such upload here; start it again."};
    case Situation::kMethodUnsupported:
      return {405,
              "UNSUPPORTED",
              "CONNECTOR_METHOD_UNSUPPORTED",
              "The method is not supported here; use one that the field Allow names."};
    case Situation::kManifestTooLarge:
      return {413,
              "SIZE_INVALID",
              "CONNECTOR_MANIFEST_TOO_LARGE",
              "A manifest may be at most 8 MiB; split the index, or move data into blobs."};
    case Situation::kContentType:
      return {415,
              "UNSUPPORTED",
              "CONNECTOR_CONTENT_TYPE",
              "An upload's Content-Type must be application/octet-stream; report it to the maker "
              "of the client."};
    case Situation::kRateLimited:
      return {429,
              "TOOMANYREQUESTS",
              "CONNECTOR_RATE_LIMITED",
              "There are too many requests; try again later, or with fewer at once."};
    case Situation::kInternal:
      return {500,
              "UNKNOWN",
              "CONNECTOR_INTERNAL",
              "The connector failed; give its operator the X-Request-Id, which its log has too."};
    case Situation::kUpstreamUnavailable:
      return {502,
              "UNKNOWN",
              "CONNECTOR_UPSTREAM_UNAVAILABLE",
              "The registry cannot be reached or does not answer properly; try again, then tell "
              "the connector's owner."};
    case Situation::kRedirectRefused:
      return {502,
              "UNKNOWN",
              "CONNECTOR_REDIRECT_REFUSED",
              "The registry redirected to where the connector may not go; ask its owner to look at "
              "upstream.redirects.hosts."};
    case Situation::kOverloaded:
      return {503,
              "UNAVAILABLE",
              "CONNECTOR_OVERLOADED",
              "The connector is at its limit of connections; try again shortly."};
    case Situation::kBrokerUnavailable:
      return {503,
              "UNAVAILABLE",
              "CONNECTOR_BROKER_UNAVAILABLE",
              "Access cannot be decided right now; try again shortly, then tell the operator that "
              "the broker does not answer."};
    case Situation::kSecretUnavailable:
      return {
          503,
          "UNAVAILABLE",
          "CONNECTOR_SECRET_UNAVAILABLE",
          "The credential of this connector cannot be used; ask its owner to check its Secret."};
    case Situation::kAuditUnavailable:
      return {503,
              "UNAVAILABLE",
              "CONNECTOR_AUDIT_UNAVAILABLE",
              "The decision cannot be recorded right now, so nothing is issued; try again, then "
              "tell the operator."};
    case Situation::kIdentityUnavailable:
      return {503,
              "UNAVAILABLE",
              "CONNECTOR_IDENTITY_UNAVAILABLE",
              "Your identity or your rights cannot be checked right now; try again, then tell the "
              "operator that the token's issuer or the Kubernetes API does not answer."};
    case Situation::kUpstreamTimeout:
      return {504,
              "UNKNOWN",
              "CONNECTOR_UPSTREAM_TIMEOUT",
              "The registry did not answer in time; try again, then tell the connector's owner."};
  }
  return {500, "UNKNOWN", {}, {}};
}

Situation SituationOf(Denial denial) {
  switch (denial) {
    case Denial::kCallerUnauthenticated:
      return Situation::kUnauthenticated;
    case Denial::kConnectorNotFound:
      return Situation::kConnectorUnknown;
    case Denial::kAccessDenied:
      return Situation::kDenied;
    case Denial::kUpstreamRefused:
      return Situation::kUpstreamRefused;
    case Denial::kUpstreamUnavailable:
      return Situation::kUpstreamUnavailable;
    case Denial::kUpstreamTimeout:
      return Situation::kUpstreamTimeout;
    case Denial::kRateLimited:
      return Situation::kRateLimited;
    case Denial::kSecretUnavailable:
      return Situation::kSecretUnavailable;
    case Denial::kAuditUnavailable:
      return Situation::kAuditUnavailable;
    case Denial::kIdentityUnavailable:
      return Situation::kIdentityUnavailable;
    case Denial::kBrokerUnavailable:
      return Situation::kBrokerUnavailable;
    case Denial::kInvalidRequest:
      return Situation::kNameInvalid;
    case Denial::kUnspecified:
      break;
  }
  return Situation::kInternal;
}

Situation SituationOf(Code code) {
  switch (code) {
    case Code::kNameInvalid:
      return Situation::kNameInvalid;
    case Code::kTagInvalid:
      return Situation::kTagInvalid;
    case Code::kDigestInvalid:
      return Situation::kDigestInvalid;
    case Code::kPageInvalid:
      return Situation::kPageInvalid;
    case Code::kQueryInvalid:
      return Situation::kQueryInvalid;
    case Code::kUnknownUpload:
      return Situation::kUploadUnknown;
    case Code::kNoSuchEndpoint:
      return Situation::kNoSuchEndpoint;
    case Code::kMethodUnsupported:
    case Code::kCatalog:
      break;
  }
  return Situation::kMethodUnsupported;
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

ErrorReply ReplyFor(Situation situation, std::string_view message) {
  const Row row = RowOf(situation);
  ErrorReply reply;
  reply.status = row.status;
  reply.code = row.code;
  reply.reason = row.reason;
  reply.message = message.empty() ? row.sentence : message;
  reply.challenge = row.status == 401;
  reply.close = situation == Situation::kBadRequest || situation == Situation::kTlsOnPlainPort ||
                situation == Situation::kManifestTooLarge;
  if (row.status == 429 || row.status == 503) {
    reply.retry_after = kDefaultRetryAfter;
  }
  return reply;
}

ErrorReply ReplyFor(const http::HeadFailure& failure) {
  if (failure.reason == http::HeadError::kTlsHandshake) {
    return ReplyFor(Situation::kTlsOnPlainPort);
  }
  ErrorReply reply = ReplyFor(Situation::kBadRequest, failure.sentence);
  reply.status = failure.http_status;
  if (failure.http_status == 405) {
    reply.allow = kAllMethods;
  }
  return reply;
}

ErrorReply ReplyFor(const addressing::TargetError& error) {
  ErrorReply reply = ReplyFor(SituationOf(error.code), error.sentence);
  reply.allow = error.allow;
  return reply;
}

ErrorReply ReplyFor(RequestRefusal refusal) {
  switch (refusal) {
    case RequestRefusal::kBodyNotAllowed:
      return ReplyFor(Situation::kBadRequest,
                      "This request carries no body; an upload in one POST needs ?digest=.");
    case RequestRefusal::kContentType:
      return ReplyFor(Situation::kContentType);
    case RequestRefusal::kContentTypeMissing:
      return ReplyFor(Situation::kManifestTypeMissing);
    case RequestRefusal::kManifestTooLarge:
      return ReplyFor(Situation::kManifestTooLarge);
  }
  return ReplyFor(Situation::kInternal);
}

ErrorReply ReplyFor(Denial denial, std::string_view message, std::chrono::seconds retry_after) {
  const Situation situation = SituationOf(denial);
  // These two must look the same whatever was behind them.
  const bool plain =
      situation == Situation::kUnauthenticated || situation == Situation::kConnectorUnknown;
  ErrorReply reply = ReplyFor(situation, plain ? std::string_view() : message);
  if (retry_after > std::chrono::seconds{0} && !plain) {
    reply.retry_after = retry_after;
  }
  return reply;
}

std::optional<Situation> ReplaceUpstreamStatus(int status) {
  if (status == 401 || status == 403) {
    return Situation::kUpstreamRefused;
  }
  if (status >= 300 && status < 400 && status != 304) {
    return Situation::kRedirectRefused;
  }
  if (status < 200 || status == 407) {
    return Situation::kUpstreamUnavailable;
  }
  return std::nullopt;
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
