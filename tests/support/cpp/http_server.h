#pragma once

// HttpServer: a real HTTP/1.1 server on a loopback port, whose answers a test scripts and whose
// requests it reads afterwards. One blocking thread per connection; keeps connections alive. Made
// for faults: can answer raw bytes, stay silent, cut off, or answer before the body was read.

#include "tests/support/cpp/test_ca.h"

#include <openssl/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace connector::testing_support {

struct HttpRequest {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;  // Names in lower case.
  std::string body;

  // The first value; empty when absent.
  [[nodiscard]] std::string Header(std::string_view name) const;
  // The decoded values of the target's query parameter `name`, in order.
  [[nodiscard]] std::vector<std::string> Query(std::string_view name) const;
  // The same of a form body.
  [[nodiscard]] std::vector<std::string> Form(std::string_view name) const;
};

struct HttpAnswer {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
  std::string raw{};        // When set, these bytes are sent instead of all above, then the end ...
  bool keep = false;        // ... unless this is set too.
  bool silent = false;      // Nothing is sent until the client leaves or the server is destroyed.
  bool unanswered = false;  // Closes without a byte.
  bool cut = false;         // Announces one byte more than it sends, then closes.
  // Closes at once: without a close notification over TLS, and with a reset where something of the
  // request was not read.
  bool abrupt = false;
  // When set: called when all has been sent; after it the connection is reset.
  std::function<void()> before_reset{};
};

struct TlsSetup {
  TlsIdentity identity;
  int max_version = 0;  // For example TLS1_2_VERSION; 0 for the newest.
};

class HttpServer {
 public:
  // Called on the connection's thread, possibly on several at once.
  using Handler = std::function<HttpAnswer(const HttpRequest&)>;

  // `everywhere`: on every address of the host, of either family, and not only on 127.0.0.1. For
  // tests that have a network namespace of their own.
  explicit HttpServer(Handler handler,
                      std::optional<TlsSetup> tls = std::nullopt,
                      bool everywhere = false);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Asked with the head alone, before a body is read; an answer that is not nullopt is sent at once
  // and ends the connection. Set before the first request.
  void AnswerEarly(std::function<std::optional<HttpAnswer>(const HttpRequest&)> early) {
    early_ = std::move(early);
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  // "http://127.0.0.1:PORT" or "https://localhost:PORT".
  [[nodiscard]] std::string address() const;
  // What arrived so far, in order of arrival.
  [[nodiscard]] std::vector<HttpRequest> requests() const;
  // TCP connections that were accepted so far.
  [[nodiscard]] std::size_t connections() const;

 private:
  void Accept();
  void Serve(int fd);

  Handler handler_;
  std::function<std::optional<HttpAnswer>(const HttpRequest&)> early_;
  std::shared_ptr<SSL_CTX> tls_;
  int listener_ = -1;
  std::uint16_t port_ = 0;

  mutable std::mutex mutex_;
  bool stopping_ = false;
  std::set<int> open_;
  std::vector<std::thread> threads_;
  std::size_t connections_ = 0;
  std::vector<HttpRequest> requests_;

  std::thread acceptor_;
};

}  // namespace connector::testing_support
