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
#include <vector>

namespace connector::dataplane::server {

// Without a certificate and without `from_broker` it serves plain HTTP.
struct ListenerOptions {
  std::string address;           // "host:port"; port 0 picks a free one.
  std::string certificate_file;  // Re-read when the file changes.
  std::string key_file;
  bool from_broker = false;  // Hosts of connectors have certificates of the broker.
  std::vector<std::string> dataplane_hosts = {};  // And so have these.
};

class Listener {
 public:
  // Reads the certificate, when there is one.
  [[nodiscard]] static Result<std::unique_ptr<Listener>> Make(ListenerOptions options);

  // A listening socket of this address for one worker. The first one decides a port that was 0.
  [[nodiscard]] Result<int> OpenSocket();

  // Null for plain HTTP.
  [[nodiscard]] net::TlsContext tls() const;

  // Looks at the files and loads a changed pair; a pair that does not load leaves the old in force.
  void ReloadIfChanged(log::Logger& logger);

  [[nodiscard]] std::uint16_t port() const { return endpoint_.port(); }
  [[nodiscard]] asio::ip::tcp protocol() const { return endpoint_.protocol(); }
  [[nodiscard]] const std::string& address() const { return options_.address; }
  [[nodiscard]] const ListenerOptions& options() const { return options_; }

 private:
  Listener() = default;

  ListenerOptions options_;
  asio::ip::tcp::endpoint endpoint_;
  std::string signature_;  // Of the files as loaded.
  mutable std::mutex mutex_;
  net::TlsContext tls_;
};

}  // namespace connector::dataplane::server
