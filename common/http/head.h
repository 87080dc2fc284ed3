#pragma once

// The one strict reading of HTTP/1.x heads: requests from clients, responses from registries.
//
// Pure and without allocation: every string_view points into the caller's buffer, which must
// outlive the head. It decides where a message ends and nothing else; which fields are passed on is
// decided in dataplane/oci/headers.h. It repairs nothing: what two readers could understand
// differently is refused. Rule source: RFC 9112, narrowed by docs/rules.md "Client framing".

#include "common/http/fields.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace connector::http {

inline constexpr std::size_t kMaxRequestLineBytes = 16 * 1024;  // A sealed upload handle is long.
inline constexpr std::size_t kMaxHeadBytes = 48 * 1024;

enum class Method : std::uint8_t { kGet, kHead, kPost, kPatch, kPut, kDelete };
[[nodiscard]] std::string_view ToString(Method method);

enum class BodyFraming : std::uint8_t { kNone, kContentLength, kChunked, kUntilClose };

struct RequestHead {
  Method method = Method::kGet;
  std::string_view target;  // Origin form: starts with "/", printable ASCII, otherwise raw.
  std::uint8_t minor_version = 1;
  HeaderFields fields;
  BodyFraming framing = BodyFraming::kNone;  // Never kUntilClose. "Content-Length: 0" on a method
  std::uint64_t content_length = 0;          // without body is kNone, on others kContentLength.
  bool keep_alive = true;
  bool expect_continue = false;  // A body follows, and the client may be waiting for a 100.
  std::string_view host;         // host[:port] as sent; valid.
};

struct ResponseHead {
  int status = 0;  // 100 to 599, never 101. Below 200 is informational: read on for the real one.
  std::uint8_t minor_version = 1;
  HeaderFields fields;
  BodyFraming framing = BodyFraming::kNone;  // kNone for HEAD, 1xx, 204, 304, whatever fields say.
  std::uint64_t content_length = 0;
  bool has_content_length = false;  // Also where there is no body: the answer to a HEAD.
  bool keep_alive = true;           // May the connection carry another request after this body?

  [[nodiscard]] bool informational() const { return status < 200; }
};

enum class HeadStatus : std::uint8_t { kIncomplete, kComplete, kError };

enum class HeadError : std::uint8_t {
  kNone,
  kTlsHandshake,  // The first byte is a TLS record's: a ClientHello on the plain port.
  kRequestLine,
  kMethod,  // A well-formed method that is not one of ours.
  kTargetForm,
  kTargetBytes,
  kTargetTooLong,
  kVersion,
  kStatusLine,
  kSwitchingProtocols,
  kLineEnding,  // A bare CR, a bare LF.
  kFieldName,
  kFieldValue,
  kFolding,
  kTooManyFields,
  kHeadTooLarge,
  kHost,
  kContentLength,
  kTransferEncoding,
  kBothFramings,
  kRepeatedField,
  kUnexpectedBody,
  kExpectation,
};

// The connection is closed after any of these: where the next message starts is unknown.
struct HeadFailure {
  int http_status = 400;  // 400 405 414 417 431 505. For a response, the caller's answer is a 502.
  HeadError reason = HeadError::kNone;
  std::string_view sentence;  // Static; names the rule and quotes nothing of the input.
};

struct HeadResult {
  HeadStatus status = HeadStatus::kIncomplete;
  std::size_t consumed_bytes = 0;  // Of a complete head, with its final empty line.
  HeadFailure error;
};

// Reads the request head at the start of `buffer`. kIncomplete means: nothing wrong so far, call
// again with more bytes (from the same start). Bytes after the head are not looked at.
//
// Refused with 400: anything but CRLF line ends; an empty line first; white space before ':';
// obs-fold; a name that is not a token or holds '_'; control or 8-bit bytes; both framings; a
// second Content-Length or Transfer-Encoding, even an equal one; a length other than [0-9]{1,18};
// an encoding other than "chunked", or any in HTTP/1.0; a Host that is missing, repeated or
// invalid; a target not in origin form; a body on GET, HEAD or DELETE; a repeated Authorization,
// Content-Type, Content-Range, Range or Expect. 405: another method. 414, 431: limits. 417: another
// expectation. 505: another version. Upgrade and what Connection nominates are ignored.
[[nodiscard]] HeadResult ParseRequestHead(std::string_view buffer, RequestHead& out);

// The same for a response to a request of `method`. 8-bit bytes are let through in field values
// (registries send localized text in fields that we drop) and '_' in names; all else is as strict.
[[nodiscard]] HeadResult ParseResponseHead(std::string_view buffer,
                                           Method method,
                                           ResponseHead& out);

}  // namespace connector::http
