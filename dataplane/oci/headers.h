#pragma once

// Writes whole heads, by allow-list in both directions (docs/rules.md "Request headers"): what a
// registry sees of a client's request, and what a client sees of a registry's response.
//
// Pure, append only: the hot path. Nothing is copied because it was there; whatever is not named
// here is dropped, so Connection's nominations need no reading and cannot remove what we add. Field
// values come from the strict parser: they hold no line break.

#include "common/http/head.h"
#include "dataplane/addressing/target.h"
#include "dataplane/oci/no_echo.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace connector::dataplane::oci {

inline constexpr std::size_t kMaxWarningBytes = 4096;  // Of all Warning values together.

// How a body is framed in the head that is written. kUntilClose only towards a client of HTTP/1.0.
struct Framing {
  http::BodyFraming kind = http::BodyFraming::kNone;
  std::uint64_t content_length = 0;

  bool operator==(const Framing&) const = default;
};

enum class RequestRefusal : std::uint8_t {
  kBodyNotAllowed,      // 400: a body where the operation has none.
  kContentType,         // 415: a form type on an upload; a registry may read names from it.
  kContentTypeMissing,  // 400: a manifest PUT without a Content-Type.
  kManifestTooLarge,    // 413: a manifest of a known length over kMaxManifestBytes.
};

inline constexpr std::uint64_t kMaxManifestBytes = 8ULL * 1024 * 1024;

// What the operation forbids in a head that HTTP allows. Before anything is sent upstream.
[[nodiscard]] std::optional<RequestRefusal> CheckRequest(const addressing::Operation& operation,
                                                         const http::RequestHead& head);

enum class HopKind : std::uint8_t {
  kRegistry,  // The connector's own registry: all allowed fields.
  kForeign,   // A blob store: no Accept, Docker-* or OCI-* of the client's; never a credential.
  // Where manifests and lists are redirected to: Accept as well, which says which manifest.
  kOtherRegistry,
};

struct UpstreamRequest {
  const http::RequestHead& client;
  http::Method method = http::Method::kGet;
  std::string_view target = {};     // Path and query, as AppendUpstreamTarget or a Url gives it.
  std::string_view authority = {};  // Origin::Authority().
  Framing framing = {};             // The kind that the client used.
  HopKind hop = HopKind::kRegistry;
  // Stands in for the client's Range: "bytes=0-0" where a HEAD became a GET.
  std::string_view range_override = {};
  // The complete line, "Authorization: Bearer ...\r\n", or empty. Ignored for kForeign.
  std::string_view authorization_line = {};
  std::string_view cookies = {};  // Of an upload; ignored but for kRegistry.
};

// Appends request line, fields and the empty line. Without a body, POST, PUT and PATCH say
// "Content-Length: 0". Accept lines keep their order; Accept-Encoding is always identity; a Range
// of more than one range is left out, so the answer is the whole.
void AppendUpstreamRequestHead(std::string& out, const UpstreamRequest& request);

struct ClientResponse {
  const http::ResponseHead& upstream;
  int status = 200;  // May differ from upstream.status: 206 that answers a HEAD is 200.
  Framing framing = {};
  bool head_request = false;  // Then a kContentLength framing is written though no body follows.
  std::uint8_t client_minor_version = 1;
  bool keep_alive = true;
  std::string_view location = {};       // Path-absolute, ours; empty for none.
  std::string_view link = {};           // As RewriteLink gives it; empty for none.
  std::string_view upload_uuid = {};    // DerivedUuid of the sealed segment; empty for none.
  std::string_view oci_namespace = {};  // The mirror form's ns; empty for none.
  std::string_view request_id = {};
  // For a blob from a blob store that knows neither: used where the field is absent.
  std::string_view default_digest = {};
  std::string_view default_content_type = {};
  // A HEAD answered from a ranged GET: the GET's Content-Range is left out.
  bool drop_content_range = false;
  EchoSearch echo = {};
};

// Appends status line, fields and the empty line. Docker-Distribution-Api-Version stands exactly
// once; a value that holds the credential, 8-bit bytes or an address of the registry
// (Content-Location) is left out; WWW-Authenticate, Set-Cookie and all else not allowed never pass.
void AppendClientResponseHead(std::string& out, const ClientResponse& response);

// "HTTP/1.1 200 OK\r\n"; an unknown status gets an empty phrase.
void AppendStatusLine(std::string& out, int status);

// "Connection: close", or what HTTP/1.0 needs to keep it; nothing where that is the rule anyway.
void AppendConnection(std::string& out, std::uint8_t client_minor_version, bool keep_alive);

// Of a body whose length nobody knows yet.
[[nodiscard]] Framing FramingWithoutLength(std::uint8_t client_minor_version);

// How the client gets the body of this answer: a length stays a length, and all else is chunked, or
// ends with the connection where the client is too old for chunks. `asked` is the method that the
// registry was asked with: the answer to a HEAD tells a length although no body follows.
[[nodiscard]] Framing FramingForClient(const http::ResponseHead& response,
                                       http::Method asked,
                                       std::uint8_t client_minor_version);

// What to answer to a HEAD whose redirect was followed with a GET of "bytes=0-0": the blob's size.
// nullopt when the answer gives none, which is a 502. Understands 206 with a total, 200 with a
// length, and 416 with "bytes */0" (an empty blob).
[[nodiscard]] std::optional<std::uint64_t> SizeFromRangedGet(const http::ResponseHead& response);

}  // namespace connector::dataplane::oci
