#pragma once

// VaultProxy: stands between the broker and a real Vault, passes requests on, and breaks what a
// test tells it to. Remembers what it was asked, also what it answered itself.

#include "tests/support/cpp/http_server.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace connector::testing_support {

class VaultProxy {
 public:
  // Nullopt: the request goes to Vault.
  using Fault = std::function<std::optional<HttpAnswer>(const HttpRequest&)>;

  explicit VaultProxy(std::uint16_t vault_port);

  [[nodiscard]] std::string address() const { return server_.address(); }
  [[nodiscard]] const HttpServer& server() const { return server_; }

  void Break(Fault fault);
  void Heal() { Break(nullptr); }
  // Every request is answered so.
  void BreakAll(HttpAnswer answer);

  // From now on what goes to Vault has this header too.
  void AddHeader(std::string line);

  // Of the requests so far, those whose target holds `text`.
  [[nodiscard]] std::size_t Count(const std::string& text) const;

 private:
  [[nodiscard]] HttpAnswer Serve(const HttpRequest& request);

  const std::uint16_t vault_port_;
  std::mutex mutex_;
  Fault fault_;
  std::string added_;
  HttpServer server_;  // Last: its threads use the others.
};

}  // namespace connector::testing_support
