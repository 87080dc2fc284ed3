#pragma once

// Listener: one listening address as all cores share it: where it is, and the TLS context that new
// connections get, which is replaced when the certificate's files change.

#include "common/base/result.h"
#include "common/log/log.h"
#include "dataplane/net/stream.h"
#include "dataplane/net/tls.h"

#include <memory>
#include <mutex>
#include <string>

namespace connector::dataplane::server {

class Listener {
 public:
  // Reads the certificate, when there is one.
  [[nodiscard]] static Result<std::unique_ptr<Listener>> Make(const std::string& address,
                                                              std::string certificate_file,
                                                              std::string key_file);

  // A listening socket of this address for one worker. The first one decides a port that was 0.
  [[nodiscard]] Result<int> OpenSocket();

  // Null for plain HTTP.
  [[nodiscard]] net::TlsContext tls() const;

  // Looks at the files and loads a changed pair; a pair that does not load leaves the old in force.
  void ReloadIfChanged(log::Logger& logger);

  [[nodiscard]] std::uint16_t port() const { return endpoint_.port(); }
  [[nodiscard]] asio::ip::tcp protocol() const { return endpoint_.protocol(); }
  [[nodiscard]] const std::string& address() const { return address_; }

 private:
  Listener() = default;

  std::string address_;
  asio::ip::tcp::endpoint endpoint_;
  std::string certificate_file_;
  std::string key_file_;
  std::string signature_;  // Of the files as loaded.
  mutable std::mutex mutex_;
  net::TlsContext tls_;
};

}  // namespace connector::dataplane::server
