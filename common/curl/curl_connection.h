#pragma once

// CurlConnection: a connection that carries bytes in one direction, over TLS with the verification
// of peer_verification.h, or plain. For receivers of a stream that answer nothing, such as syslog.

#include "common/async/task.h"
#include "common/base/result.h"
#include "common/http/origin.h"

#include <memory>
#include <string>
#include <string_view>

namespace connector::curl {

struct CurlConnectionOptions {
  http::Origin peer;
  std::string ca_pem = {};            // Trusted alone; empty for the system's certificates.
  std::string client_cert_file = {};  // PEM; empty for none.
  std::string client_key_file = {};
};

// Every call blocks, at most until its deadline: for a thread of its own. Not thread-safe. Errors:
// kUnavailable and kDeadlineExceeded, with the peer's name and the cause.
class CurlConnection {
 public:
  [[nodiscard]] static Result<std::unique_ptr<CurlConnection>> Connect(
      const CurlConnectionOptions& options, Deadline deadline);
  ~CurlConnection();
  CurlConnection(const CurlConnection&) = delete;
  CurlConnection& operator=(const CurlConnection&) = delete;

  // Returns when the peer's system has acknowledged all of `bytes`. Whether a program has read them
  // is not known. After an error the connection is of no use any more.
  [[nodiscard]] Result<Done> Send(std::string_view bytes, Deadline deadline);

 private:
  struct Handle;
  explicit CurlConnection(std::unique_ptr<Handle> handle);

  [[nodiscard]] Result<Done> CheckOpen();
  [[nodiscard]] Result<Done> WaitAcknowledged(Deadline deadline);

  std::unique_ptr<Handle> handle_;
};

}  // namespace connector::curl
