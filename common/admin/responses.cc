#include "common/admin/responses.h"

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <iterator>
#include <sstream>
#include <utility>
#include <vector>

namespace connector::admin {
namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return "Internal Server Error";
  }
}

}  // namespace

std::string Response::Serialize(bool head_only) const {
  std::string out = "HTTP/1.1 " + std::to_string(status) + " ";
  out += ReasonPhrase(status);
  out += "\r\nContent-Type: " + content_type;
  out += "\r\nContent-Length: " + std::to_string(body.size());
  // The port has no authentication: nothing that it says may be kept, framed, read by another
  // site's page, or taken for another type.
  out +=
      "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff"
      "\r\nReferrer-Policy: no-referrer\r\nCross-Origin-Resource-Policy: same-origin"
      "\r\nConnection: close\r\n";
  out += extra_headers + "\r\n";
  if (!head_only) {
    out += body;
  }
  return out;
}

Response PlainResponse(int status, std::string body) {
  return {.status = status,
          .content_type = std::string(kText),
          .extra_headers = "",
          .body = std::move(body)};
}

AdminResponder::AdminResponder(AdminOptions options)
    : options_(std::move(options)), page_(MakeStatusPage(options_.title)) {}

Response AdminResponder::Answer(const Request& request) const noexcept {
  try {
    if (request.method != "GET" && request.method != "HEAD") {
      Response response = PlainResponse(405, "only GET and HEAD\n");
      response.extra_headers = "Allow: GET, HEAD\r\n";
      return response;
    }
    return Route(std::string_view(request.target).substr(0, request.target.find('?')));
  } catch (...) {
    return {.status = 500, .content_type = "text/plain", .extra_headers = "", .body = ""};
  }
}

Response AdminResponder::Route(std::string_view path) const {
  if (path == "/livez") {
    return PlainResponse(200, "ok\n");
  }
  if (path == "/readyz") {
    return Ready();
  }
  if (path == "/metrics") {
    return Metrics();
  }
  if (path == "/") {
    return Page();
  }
  if (path == "/status.json") {
    Response response = PlainResponse(200, options_.status_json());
    response.content_type = "application/json";
    return response;
  }
  return PlainResponse(404, "try /, /livez, /readyz, /metrics or /status.json\n");
}

Response AdminResponder::Ready() const {
  const Readiness readiness = options_.readiness();
  const bool ready = readiness.reasons.empty();
  std::string body = ready ? "ready\n" : "";
  for (const std::string& reason : readiness.reasons) {
    body += reason + "\n";
  }
  for (const std::string& what : readiness.degraded) {
    body += "degraded: " + what + "\n";
  }
  return PlainResponse(ready ? 200 : 503, std::move(body));
}

Response AdminResponder::Metrics() const {
  std::vector<prometheus::MetricFamily> families;
  for (const auto& weak : options_.collectables) {
    if (const auto collectable = weak.lock()) {
      auto collected = collectable->Collect();
      families.insert(families.end(),
                      std::make_move_iterator(collected.begin()),
                      std::make_move_iterator(collected.end()));
    }
  }
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  Response response = PlainResponse(200, std::move(out).str());
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  return response;
}

Response AdminResponder::Page() const {
  Response response = PlainResponse(200, page_.html);
  response.content_type = "text/html; charset=utf-8";
  response.extra_headers =
      "Content-Security-Policy: " + page_.content_security_policy + "\r\nX-Frame-Options: DENY\r\n";
  return response;
}

}  // namespace connector::admin
