#pragma once

// What the admin port answers: request line in, response out. No sockets; admin_server.cc moves the
// bytes. Reads nothing of a request but method and path.

#include "common/admin/admin_server.h"
#include "common/admin/status_page.h"

#include <string>
#include <string_view>

namespace connector::admin {

struct Request {
  std::string method = {};
  std::string target = {};  // Raw; what follows "?" is ignored.
};

struct Response {
  int status = 200;
  std::string content_type = {};
  std::string extra_headers = {};  // Whole lines, each with CRLF.
  std::string body = {};

  // As HTTP/1.1 puts it on the wire, closing the connection. `head_only` leaves the body out and
  // keeps its length.
  [[nodiscard]] std::string Serialize(bool head_only) const;
};

[[nodiscard]] Response PlainResponse(int status, std::string body);

class AdminResponder {
 public:
  explicit AdminResponder(AdminOptions options);

  // Never throws: what a function of AdminOptions throws becomes a 500 without its text.
  [[nodiscard]] Response Answer(const Request& request) const noexcept;

 private:
  [[nodiscard]] Response Route(std::string_view path) const;
  [[nodiscard]] Response Ready() const;
  [[nodiscard]] Response Metrics() const;
  [[nodiscard]] Response Page() const;

  AdminOptions options_;
  StatusPage page_;
};

}  // namespace connector::admin
