#pragma once

// Every answer that the data plane gives by itself: which status, code and reason an error has,
// the sentence that tells the user what to do, and the bytes of the response. docs/errors.md is the
// same table for users; a test holds the two together.
//
// Pure. Docker and others show a message only for 4xx, so explanations stand there. Sentences quote
// nothing from the registry; names that the client sent are escaped.

#include "common/http/head.h"
#include "dataplane/addressing/target.h"
#include "dataplane/oci/headers.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace connector::dataplane::oci {

inline constexpr std::size_t kMaxMessageBytes = 1024;
inline constexpr std::chrono::seconds kDefaultRetryAfter{5};  // With 429 and 503.

// In the order of docs/errors.md.
enum class ErrorKind : std::uint8_t {
  kBadRequest,  // Not valid HTTP for us. Closes.
  kTlsOnPlainPort,
  kNameInvalid,
  kTagInvalid,
  kDigestInvalid,
  kPageInvalid,
  kQueryInvalid,
  kManifestTypeMissing,
  kUnauthenticated,   // With the Basic challenge.
  kDenied,            // The policy.
  kDeniedByOperator,  // The broker's deny list.
  kUpstreamRefused,   // The token service refused the stored credential.
  kRegistryRefused,   // The registry itself; why, it alone knows.
  kNoSuchEndpoint,
  kConnectorUnknown,  // None, or none that this caller may know.
  kUploadUnknown,
  kMethodUnsupported,
  kManifestTooLarge,  // Closes.
  kContentType,
  kRateLimited,  // With Retry-After.
  kInternal,
  kUpstreamUnavailable,  // No connection, TLS, nonsense.
  kRedirectRefused,
  kOverloaded,           // This and the next six with Retry-After.
  kStoreBusy,            // Where the registry redirected to asks to wait.
  kSendAgain,            // The registry did not take the request, and its body is gone.
  kBrokerUnavailable,    // No answer from any broker, or the route is not here yet.
  kSecretUnavailable,    // The broker cannot use the connector's Secret.
  kAuditUnavailable,     // The broker cannot record, so it does not issue.
  kIdentityUnavailable,  // The broker cannot ask the caller's issuer.
  kUpstreamTimeout,
};

// What the broker answered, or that it did not; mirrored so that only grpc_issuer.cc knows gRPC.
enum class DenialReason : std::uint8_t {
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
  kDeniedByOperator,
  kBrokerUnavailable,  // Ours: no answer from any broker.
};

struct ErrorReply {
  int status = 500;
  std::string_view code = {};           // Static; of the distribution specification.
  std::string_view reason = {};         // Static; ours, and stable.
  std::string message = {};             // A sentence.
  std::chrono::seconds retry_after{0};  // Zero: no such field.
  std::string_view allow = {};          // Static; the Allow field of a 405, empty for none.
  bool challenge = false;               // With WWW-Authenticate: Basic realm="oci-connector".
  bool close = false;                   // The connection cannot go on.

  bool operator==(const ErrorReply&) const = default;
};

// An empty message means the error's own sentence.
[[nodiscard]] ErrorReply ReplyFor(ErrorKind kind, std::string_view message = {});
[[nodiscard]] ErrorReply ReplyFor(const http::HeadFailure& failure);
[[nodiscard]] ErrorReply ReplyFor(const addressing::TargetError& error);
[[nodiscard]] ErrorReply ReplyFor(RequestRefusal refusal);
// An unauthenticated caller gets our own sentence: why a token was refused is for the log only.
[[nodiscard]] ErrorReply ReplyFor(DenialReason denial,
                                  std::string_view message,
                                  std::chrono::seconds retry_after);

// `{"errors":[{"code":"...","message":"...","detail":"REASON"}]}` and a line end. What JSON or HTML
// would act on is escaped, bytes outside printable ASCII become '?', and the message is cut at
// kMaxMessageBytes. The detail is a string because oras, helm and crane print it as it is.
[[nodiscard]] std::string ErrorBody(std::string_view code,
                                    std::string_view message,
                                    std::string_view reason);

// How the connection of the client goes on.
struct ReplyContext {
  bool head_request = false;  // The length is written, the body is not.
  std::uint8_t client_minor_version = 1;
  bool keep_alive = true;
  std::string_view request_id = {};
};

// Appends head and body. The answer to a HEAD has the sentence in a Warning, which is all that
// newer clients can show of it.
void AppendErrorReply(std::string& out, const ErrorReply& reply, const ReplyContext& context);

// GET /v2/ with a valid caller token: 200 `{}`.
void AppendPingReply(std::string& out, const ReplyContext& context);

}  // namespace connector::dataplane::oci
