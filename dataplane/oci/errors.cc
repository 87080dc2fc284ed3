#include "dataplane/oci/errors.h"

#include <algorithm>

namespace connector::dataplane::oci {
namespace {

using Code = route::TargetErrorCode;

constexpr std::string_view kCommonFields =
    "Content-Type: application/json\r\nDocker-Distribution-Api-Version: registry/2.0\r\n";
constexpr std::string_view kAllMethods = "GET, HEAD, POST, PATCH, PUT, DELETE";

struct Row {
  int status;
  std::string_view code;
  std::string_view sentence;
};

Row RowOf(Situation situation) {
  switch (situation) {
    case Situation::kBadRequest:
      return {400, "UNSUPPORTED", "The request is not valid HTTP."};
    case Situation::kNameInvalid:
      return {400, "NAME_INVALID", "The repository's name is not valid."};
    case Situation::kTagInvalid:
      return {400, "TAG_INVALID", "The tag is not valid."};
    case Situation::kDigestInvalid:
      return {400, "DIGEST_INVALID", "The digest is not valid."};
    case Situation::kPageInvalid:
      return {400, "PAGINATION_NUMBER_INVALID", "The page that was asked for is not valid."};
    case Situation::kQueryInvalid:
      return {400, "UNSUPPORTED", "The query is not valid."};
    case Situation::kUnauthenticated:
      return {401,
              "UNAUTHORIZED",
              "Authentication is required: the password is your workload's own identity token "
              "for the audience oci-connector."};
    case Situation::kDenied:
      return {403, "DENIED", "No access rule allows this."};
    case Situation::kUpstreamRefused:
      return {403,
              "DENIED",
              "The registry refused the credential that is stored for this connector; its owner "
              "can check it with connectorctl check."};
    case Situation::kNoSuchEndpoint:
      return {404, "NAME_UNKNOWN", "There is no such endpoint."};
    case Situation::kConnectorUnknown:
      return {404,
              "NAME_UNKNOWN",
              "There is no such connector, or you may not use it; check its name and namespace."};
    case Situation::kUploadUnknown:
      return {404, "BLOB_UPLOAD_UNKNOWN", "There is no such upload here; start it again."};
    case Situation::kMethodUnsupported:
      return {405, "UNSUPPORTED", "The method is not supported here."};
    case Situation::kManifestTooLarge:
      return {413, "SIZE_INVALID", "A manifest may be at most 8 MiB."};
    case Situation::kContentType:
      return {415, "UNSUPPORTED", "An upload's Content-Type must be application/octet-stream."};
    case Situation::kRateLimited:
      return {429, "TOOMANYREQUESTS", "There are too many requests; try again later."};
    case Situation::kInternal:
      return {500, "UNKNOWN", "The connector failed; its log has the request id."};
    case Situation::kUpstreamUnavailable:
      return {502, "UNKNOWN", "The registry cannot be reached or does not answer properly."};
    case Situation::kRedirectRefused:
      return {502, "UNKNOWN", "The registry redirected to where the connector may not go."};
    case Situation::kOverloaded:
      return {503, "UNAVAILABLE", "The connector is at its limit; try again shortly."};
    case Situation::kBrokerUnavailable:
      return {503, "UNAVAILABLE", "Access cannot be decided right now; try again shortly."};
    case Situation::kUpstreamTimeout:
      return {504, "UNKNOWN", "The registry did not answer in time."};
  }
  return {500, "UNKNOWN", {}};
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
    case Denial::kAuditUnavailable:
    case Denial::kIdentityUnavailable:
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

void AppendField(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
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
  reply.message = message.empty() ? row.sentence : message;
  reply.challenge = row.status == 401;
  reply.close = situation == Situation::kBadRequest || situation == Situation::kManifestTooLarge;
  if (row.status == 429 || row.status == 503) {
    reply.retry_after = kDefaultRetryAfter;
  }
  return reply;
}

ErrorReply ReplyFor(const http::HeadFailure& failure) {
  ErrorReply reply = ReplyFor(Situation::kBadRequest, failure.sentence);
  reply.status = failure.http_status;
  if (failure.http_status == 405) {
    reply.allow = kAllMethods;
  }
  return reply;
}

ErrorReply ReplyFor(const route::TargetError& error) {
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
    case RequestRefusal::kContentTypeMissing: {
      ErrorReply reply = ReplyFor(Situation::kBadRequest, "A manifest needs its Content-Type.");
      reply.code = "MANIFEST_INVALID";
      return reply;
    }
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

std::string ErrorBody(std::string_view code, std::string_view message) {
  std::string out = R"({"errors":[{"code":")";
  AppendEscaped(out, code);
  out.append(R"(","message":")");
  AppendEscaped(out, message.substr(0, kMaxMessageBytes));
  return out.append("\"}]}\n");
}

void AppendErrorReply(std::string& out, const ErrorReply& reply, const ReplyContext& context) {
  std::string own;
  if (reply.challenge) {
    // Only Basic, and never anything of the registry's: section 3.1 of the protocol reference.
    AppendField(own, "WWW-Authenticate", "Basic realm=\"oci-connector\"");
  }
  if (reply.retry_after > std::chrono::seconds{0}) {
    AppendField(own, "Retry-After", std::to_string(reply.retry_after.count()));
  }
  if (!reply.allow.empty()) {
    AppendField(own, "Allow", reply.allow);
  }
  ReplyContext connection = context;
  connection.keep_alive = context.keep_alive && !reply.close;
  AppendStatusLine(out, reply.status);
  AppendOwn(out, own, ErrorBody(reply.code, reply.message), connection);
}

void AppendPingReply(std::string& out, const ReplyContext& context) {
  AppendStatusLine(out, 200);
  AppendOwn(out, {}, "{}", context);
}

std::string_view TlsOnPlainPortReply() {
  return "HTTP/1.1 400 Bad Request\r\n"
         "Content-Type: text/plain\r\n"
         "Docker-Distribution-Api-Version: registry/2.0\r\n"
         "Content-Length: 62\r\n"
         "Connection: close\r\n"
         "\r\n"
         "This port speaks plain HTTP, and the client sent a TLS hello.\n";
}

}  // namespace connector::dataplane::oci
