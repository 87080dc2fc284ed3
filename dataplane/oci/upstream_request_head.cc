// The registry's view of a client's request: what headers.h promises about requests.

#include "common/base/ascii.h"
#include "dataplane/oci/field_writer.h"
#include "dataplane/oci/headers.h"

#include <charconv>

namespace connector::dataplane::oci {
namespace {

using addressing::OperationKind;
using http::BodyFraming;
using http::HeaderField;
using http::HeaderId;
using http::Method;

// Docker Hub answers 403 to requests that name no user agent.
constexpr std::string_view kDefaultUserAgent = "User-Agent: oci-connector\r\n";

bool HasBody(const http::RequestHead& head) {
  return head.framing == BodyFraming::kChunked || head.content_length != 0;
}

// Wherever it stands in the field: readers differ in what they make of lists, spaces and
// parameters.
bool MayBeForm(std::string_view content_type) {
  const std::string type = Lower(content_type);
  return type.find("urlencoded") != std::string::npos ||
         type.find("multipart") != std::string::npos;
}

// Passed on as they come. Accept-Encoding, User-Agent's default and Range are decided apart.
bool IsAllowed(HeaderId id, HopKind hop) {
  switch (id) {
    case HeaderId::kContentRange:
    case HeaderId::kContentType:
    case HeaderId::kIfOther:
    case HeaderId::kUserAgent:
      return true;
    case HeaderId::kAccept:
      return hop != HopKind::kForeign;
    case HeaderId::kDockerContentDigest:
    case HeaderId::kDockerDistributionApiVersion:
    case HeaderId::kDockerOther:
    case HeaderId::kOciOther:
      return hop == HopKind::kRegistry;
    default:
      return false;
  }
}

void AppendNumberField(std::string& out, std::string_view name, std::uint64_t value) {
  char digits[20];
  const auto result = std::to_chars(digits, digits + sizeof digits, value);
  AppendField(out, name, {digits, static_cast<std::size_t>(result.ptr - digits)});
}

void AppendFraming(std::string& out, const UpstreamRequest& request) {
  switch (request.framing.kind) {
    case BodyFraming::kContentLength:
      AppendNumberField(out, "Content-Length", request.framing.content_length);
      return;
    case BodyFraming::kChunked:
      out.append("Transfer-Encoding: chunked\r\n");
      return;
    case BodyFraming::kNone:
    case BodyFraming::kUntilClose:
      break;
  }
  if (request.method == Method::kPost || request.method == Method::kPut ||
      request.method == Method::kPatch) {
    out.append("Content-Length: 0\r\n");
  }
}

void AppendRange(std::string& out, const UpstreamRequest& request) {
  if (!request.range_override.empty()) {
    AppendField(out, "Range", request.range_override);
    return;
  }
  const std::string_view range = request.client.fields.Find(HeaderId::kRange);
  // Many overlapping ranges are an amplification attack, and no client needs more than one.
  if (!range.empty() && range.find(',') == std::string_view::npos) {
    AppendField(out, "Range", range);
  }
}

}  // namespace

std::optional<RequestRefusal> CheckRequest(const addressing::Operation& operation,
                                           const http::RequestHead& head) {
  if (!addressing::MayHaveBody(operation)) {
    if (HasBody(head)) {
      return RequestRefusal::kBodyNotAllowed;
    }
  }
  const std::string_view type = head.fields.Find(HeaderId::kContentType);
  switch (operation.kind) {
    case OperationKind::kUploadStart:
    case OperationKind::kUploadSession:
      // A registry may read `mount`, `from` and `digest` from a form body, where they would pass
      // by everything that was checked here (docs/rules.md "Bodies").
      if (head.fields.Has(HeaderId::kContentType) && (type.empty() || MayBeForm(type))) {
        return RequestRefusal::kContentType;
      }
      return std::nullopt;
    case OperationKind::kManifest:
      if (operation.method != Method::kPut) {
        return std::nullopt;
      }
      if (type.empty()) {
        return RequestRefusal::kContentTypeMissing;
      }
      if (head.content_length > kMaxManifestBytes) {
        return RequestRefusal::kManifestTooLarge;
      }
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

void AppendUpstreamRequestHead(std::string& out, const UpstreamRequest& request) {
  out.append(http::ToString(request.method)).push_back(' ');
  out.append(request.target).append(" HTTP/1.1\r\nHost: ").append(request.authority);
  out.append("\r\nAccept-Encoding: identity\r\n");
  bool has_user_agent = false;
  for (const HeaderField& field : request.client.fields) {
    if (IsAllowed(field.id, request.hop)) {
      AppendField(out, field.name, field.value);
      has_user_agent = has_user_agent || field.id == HeaderId::kUserAgent;
    }
  }
  if (!has_user_agent) {
    out.append(kDefaultUserAgent);
  }
  AppendRange(out, request);
  AppendFraming(out, request);
  if (request.hop == HopKind::kRegistry) {
    out.append(request.authorization_line);
    if (!request.cookies.empty()) {
      AppendField(out, "Cookie", request.cookies);
    }
  }
  out.append("\r\n");
}

}  // namespace connector::dataplane::oci
