#pragma once

// Every answer that the data plane gives by itself: which status and code a situation has, the
// sentence that tells the user what to do, and the bytes of the response. One place, so that the
// table in section 1.8 of the protocol reference can be checked against it.
//
// Pure. Docker and others show a message only for 4xx, so explanations stand there. Sentences quote
// nothing from the registry; names that the client sent are escaped.

#include "common/http/head.h"
#include "dataplane/oci/headers.h"
#include "dataplane/route/target.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace connector::dataplane::oci {

inline constexpr std::size_t kMaxMessageBytes = 1024;
inline constexpr std::chrono::seconds kDefaultRetryAfter{5};  // With 429 and 503.

enum class Situation : std::uint8_t {
  kBadRequest,           // 400 UNSUPPORTED: not valid HTTP for us. Closes.
  kNameInvalid,          // 400 NAME_INVALID
  kTagInvalid,           // 400 TAG_INVALID
  kDigestInvalid,        // 400 DIGEST_INVALID
  kPageInvalid,          // 400 PAGINATION_NUMBER_INVALID
  kQueryInvalid,         // 400 UNSUPPORTED
  kUnauthenticated,      // 401 UNAUTHORIZED, with the Basic challenge
  kDenied,               // 403 DENIED: the policy
  kUpstreamRefused,      // 403 DENIED: the registry refused the stored credential
  kNoSuchEndpoint,       // 404 NAME_UNKNOWN
  kConnectorUnknown,     // 404 NAME_UNKNOWN: none, or none that this caller may know
  kUploadUnknown,        // 404 BLOB_UPLOAD_UNKNOWN
  kMethodUnsupported,    // 405 UNSUPPORTED
  kManifestTooLarge,     // 413 SIZE_INVALID. Closes.
  kContentType,          // 415 UNSUPPORTED
  kRateLimited,          // 429 TOOMANYREQUESTS, with Retry-After
  kInternal,             // 500 UNKNOWN
  kUpstreamUnavailable,  // 502 UNKNOWN: no connection, TLS, nonsense
  kRedirectRefused,      // 502 UNKNOWN
  kOverloaded,           // 503 UNAVAILABLE, with Retry-After: limits, draining
  kBrokerUnavailable,    // 503 UNAVAILABLE, with Retry-After
  kUpstreamTimeout,      // 504 UNKNOWN
};

// What the broker answered, or that it did not; mirrored so that only broker_client.cc knows gRPC.
enum class Denial : std::uint8_t {
  kUnspecified,
  kCallerUnauthenticated,
  kConnectorNotFound,
  kAccessDenied,
  kSecretUnavailable,
  kUpstreamRefused,
  kUpstreamUnavailable,
  kUpstreamTimeout,
  kRateLimited,
  kAuditUnavailable,
  kIdentityUnavailable,
  kInvalidRequest,
  kBrokerUnavailable,  // Ours: no answer from any broker.
};

struct ErrorReply {
  int status = 500;
  std::string_view code = {};           // Static.
  std::string message = {};             // A sentence.
  std::chrono::seconds retry_after{0};  // Zero: no such field.
  std::string_view allow = {};          // Static; the Allow field of a 405, empty for none.
  bool challenge = false;               // With WWW-Authenticate: Basic realm="oci-connector".
  bool close = false;                   // The connection cannot go on.

  bool operator==(const ErrorReply&) const = default;
};

// An empty message means the situation's own sentence.
[[nodiscard]] ErrorReply ReplyFor(Situation situation, std::string_view message = {});
[[nodiscard]] ErrorReply ReplyFor(const http::HeadFailure& failure);
[[nodiscard]] ErrorReply ReplyFor(const route::TargetError& error);
[[nodiscard]] ErrorReply ReplyFor(RequestRefusal refusal);
// An unauthenticated caller gets our own sentence: why a token was refused is for the log only.
[[nodiscard]] ErrorReply ReplyFor(Denial denial,
                                  std::string_view message,
                                  std::chrono::seconds retry_after);

// What replaces a registry's answer of this status, which is never relayed: 401 and 403 become
// kUpstreamRefused; 407, and 1xx and 3xx other than 304 that nothing else dealt with, become a 502.
// nullopt: the answer is relayed.
[[nodiscard]] std::optional<Situation> ReplaceUpstreamStatus(int status);

// `{"errors":[{"code":"...","message":"..."}]}` and a line end. What JSON or HTML would act on is
// escaped, bytes outside printable ASCII become '?', and the message is cut at kMaxMessageBytes.
[[nodiscard]] std::string ErrorBody(std::string_view code, std::string_view message);

// How the connection of the client goes on.
struct ReplyContext {
  bool head_request = false;  // The length is written, the body is not.
  std::uint8_t client_minor_version = 1;
  bool keep_alive = true;
  std::string_view request_id = {};
};

// Appends head and body.
void AppendErrorReply(std::string& out, const ErrorReply& reply, const ReplyContext& context);

// GET /v2/ with a valid caller token: 200 `{}`.
void AppendPingReply(std::string& out, const ReplyContext& context);

// The whole answer to a TLS ClientHello on the plain port; after it the connection is closed.
[[nodiscard]] std::string_view TlsOnPlainPortReply();

}  // namespace connector::dataplane::oci
