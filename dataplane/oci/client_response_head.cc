// The client's view of a registry's response: what headers.h promises about responses.

#include "dataplane/oci/field_writer.h"
#include "dataplane/oci/headers.h"

#include <algorithm>
#include <charconv>

namespace connector::dataplane::oci {
namespace {

using http::BodyFraming;
using http::HeaderField;
using http::HeaderId;

constexpr std::string_view kApiVersionLine = "Docker-Distribution-Api-Version: registry/2.0\r\n";

// Which fields of the registry's pass. Written by us instead, so not here: the framing, Location,
// Link, Docker-Distribution-Api-Version and Docker-Upload-UUID.
bool IsAllowed(HeaderId id, const ClientResponse& response) {
  switch (id) {
    case HeaderId::kAcceptRanges:
    case HeaderId::kCacheControl:
    case HeaderId::kContentOther:
    case HeaderId::kContentType:
    case HeaderId::kDate:
    case HeaderId::kDockerContentDigest:
    case HeaderId::kDockerOther:
    case HeaderId::kEtag:
    case HeaderId::kLastModified:
    case HeaderId::kOciOther:
    case HeaderId::kRange:
    case HeaderId::kRateLimitOther:
    case HeaderId::kRetryAfter:
    case HeaderId::kWarning:
      return true;
    case HeaderId::kContentRange:
      return !response.drop_content_range;
    case HeaderId::kOciNamespace:
      return response.oci_namespace.empty();
    default:
      return false;
  }
}

bool IsAscii(std::string_view text) {
  return std::all_of(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

void AppendOptional(std::string& out, std::string_view name, std::string_view value) {
  if (!value.empty()) {
    AppendField(out, name, value);
  }
}

void AppendUpstreamFields(std::string& out, const ClientResponse& response) {
  std::size_t warning_bytes = 0;
  for (const HeaderField& field : response.upstream.fields) {
    if (!IsAllowed(field.id, response) || !IsAscii(field.value)) {
      continue;
    }
    // Names too: a registry chooses the rest of "Docker-...".
    if (response.echo.Found(field.value) || response.echo.Found(field.name)) {
      continue;
    }
    if (field.id == HeaderId::kWarning) {
      warning_bytes += field.value.size();
      if (warning_bytes > kMaxWarningBytes) {
        continue;
      }
    }
    AppendField(out, field.name, field.value);
  }
}

void AppendDefaults(std::string& out, const ClientResponse& response) {
  const http::HeaderFields& fields = response.upstream.fields;
  if (!fields.Has(HeaderId::kDockerContentDigest)) {
    AppendOptional(out, "Docker-Content-Digest", response.default_digest);
  }
  if (!fields.Has(HeaderId::kContentType)) {
    AppendOptional(out, "Content-Type", response.default_content_type);
  }
}

void AppendFraming(std::string& out, const ClientResponse& response) {
  // RFC 9110 section 8.6: no length on a 204, nor on what is not the last answer.
  if (response.status == 204 || response.status < 200) {
    return;
  }
  if (response.framing.kind == BodyFraming::kContentLength) {
    char digits[20];
    const auto end =
        std::to_chars(digits, digits + sizeof digits, response.framing.content_length).ptr;
    AppendField(out, "Content-Length", {digits, static_cast<std::size_t>(end - digits)});
  } else if (response.framing.kind == BodyFraming::kChunked) {
    out.append("Transfer-Encoding: chunked\r\n");
  } else if (response.framing.kind == BodyFraming::kNone && !response.head_request &&
             response.status != 304) {
    out.append("Content-Length: 0\r\n");
  }
}

std::string_view Phrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return {};
  }
}

}  // namespace

void AppendStatusLine(std::string& out, int status) {
  out.append("HTTP/1.1 ").append(std::to_string(status)).append(" ");
  out.append(Phrase(status)).append("\r\n");
}

void AppendClientResponseHead(std::string& out, const ClientResponse& response) {
  AppendStatusLine(out, response.status);
  AppendUpstreamFields(out, response);
  AppendDefaults(out, response);
  AppendOptional(out, "Location", response.location);
  AppendOptional(out, "Link", response.link);
  AppendOptional(out, "Docker-Upload-UUID", response.upload_uuid);
  AppendOptional(out, "OCI-Namespace", response.oci_namespace);
  AppendOptional(out, "X-Request-Id", response.request_id);
  out.append(kApiVersionLine);
  AppendFraming(out, response);
  AppendConnection(out, response.client_minor_version, response.keep_alive);
  out.append("\r\n");
}

void AppendConnection(std::string& out, std::uint8_t client_minor_version, bool keep_alive) {
  if (!keep_alive) {
    out.append("Connection: close\r\n");
  } else if (client_minor_version == 0) {
    out.append("Connection: keep-alive\r\n");
  }
}

Framing FramingWithoutLength(std::uint8_t client_minor_version) {
  return {client_minor_version >= 1 ? BodyFraming::kChunked : BodyFraming::kUntilClose, 0};
}

Framing FramingForClient(const http::ResponseHead& response,
                         http::Method asked,
                         std::uint8_t client_minor_version) {
  switch (response.framing) {
    case BodyFraming::kContentLength:
      return {BodyFraming::kContentLength, response.content_length};
    case BodyFraming::kChunked:
    case BodyFraming::kUntilClose:
      return FramingWithoutLength(client_minor_version);
    case BodyFraming::kNone:
      break;
  }
  if (response.has_content_length && asked == http::Method::kHead) {
    return {BodyFraming::kContentLength, response.content_length};
  }
  return {};
}

std::optional<std::uint64_t> SizeFromRangedGet(const http::ResponseHead& response) {
  if (response.status == 200) {
    return response.has_content_length ? std::optional(response.content_length) : std::nullopt;
  }
  std::string_view range = response.fields.Find(HeaderId::kContentRange);
  const std::string_view expected = response.status == 206   ? "bytes 0-0/"
                                    : response.status == 416 ? "bytes */"
                                                             : "";
  if (expected.empty() || !range.starts_with(expected)) {
    return std::nullopt;
  }
  range.remove_prefix(expected.size());
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(range.data(), range.data() + range.size(), size);
  if (range.empty() || error != std::errc{} || end != range.data() + range.size()) {
    return std::nullopt;
  }
  // A 416 to the first byte means that there is none.
  return response.status == 416 && size != 0 ? std::nullopt : std::optional(size);
}

}  // namespace connector::dataplane::oci
