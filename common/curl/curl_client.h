#pragma once

// CurlClient: bounded HTTP requests to token services, identity providers, secret stores and the
// Kubernetes API, over libcurl. For the control plane only; the data plane's hot path does not use
// it.
//
// It follows no redirect, uses no proxy but the one that is asked for, keeps no cookies, speaks
// only http and https, verifies TLS (1.2 or later), and shares no connection between calls unless
// `reuse` was chosen, so that one identity's connection is never another's.

#include "common/async/cancel.h"
#include "common/async/task.h"
#include "common/base/result.h"
#include "common/base/secret.h"
#include "common/curl/connection_check.h"
#include "common/curl/curl_stream.h"
#include "common/http/origin.h"

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace connector::curl {

struct RequestHeader {
  std::string name;
  Secret value;  // Any header may be sensitive here, so all are held as if they were.
};

struct CurlRequest {
  std::string method = "GET";
  http::Url url;
  std::vector<RequestHeader> headers;
  Secret body;
  std::string ca_pem;            // Added to the system's trust; empty for the system's alone.
  bool only_ca_pem = false;      // Trusts `ca_pem` alone. One client has one setting of this.
  std::string client_cert_file;  // PEM; empty for none.
  std::string client_key_file;
  std::string client_cert_pem;  // The same two in memory; the files win.
  Secret client_key_pem;
  std::optional<http::Origin>
      connect_to;     // Where to connect; `url` still names and verifies the server.
  std::string proxy;  // "http://host:port"; empty for none.
  std::size_t max_response_bytes = 64 * 1024;  // More is an error, not a truncation.
  std::chrono::milliseconds connect_timeout{5000};
  std::chrono::milliseconds head_timeout{0};  // For Open: until the head is there. 0: no limit.
  // Null: every address may be connected. With it, the request shares no connection with others.
  std::shared_ptr<ConnectionCheck> connection_check;
  bool mostly_waits = false;  // For Open: one of thousands, so that it takes little memory.
};

struct CurlResponse {
  int status = 0;
  // Names in lower case. Lines with one name are joined by ", " (RFC 9110 section 5.3).
  std::map<std::string, std::string> headers;
  Secret body;  // May hold a token.
};

enum class ConnectionReuse { kNever, kWithinThisClient };

// HTTP/2 is for one server that gets thousands of requests at once, of one identity: some hundred
// share a TLS connection, and a dead one is noticed within kDeadPeer. Needs kWithinThisClient. A
// server without it gets HTTP/1.1, with a connection for each request.
enum class HttpVersion { k11, k2 };

inline constexpr std::chrono::seconds kDeadPeer{20};

// Thread-safe. One background thread runs all transfers; results are delivered on the awaiting
// coroutine's executor. The destructor cancels what is under way.
class CurlClient {
 public:
  explicit CurlClient(ConnectionReuse reuse = ConnectionReuse::kNever,
                      HttpVersion version = HttpVersion::k11);
  ~CurlClient();
  CurlClient(const CurlClient&) = delete;
  CurlClient& operator=(const CurlClient&) = delete;

  // Any HTTP status is a value. Errors: kDeadlineExceeded, kUnavailable (no connection, TLS not
  // verified, cut off; the message names host and cause), kResourceExhausted (answer too large),
  // kInvalidArgument (a header with a line break, a CA bundle without a certificate). Retry::kSafe
  // when nothing of the request can have had an effect.
  [[nodiscard]] Task<Result<CurlResponse>> Perform(CurlRequest request, Deadline deadline);

  // The same, for an answer that is read as it arrives: returns once its head is there. Here
  // max_response_bytes is how far the reader may fall behind. `cancel` ends it with kUnavailable.
  [[nodiscard]] Task<Result<std::unique_ptr<CurlStream>>> Open(
      CurlRequest request, Deadline deadline, std::shared_ptr<Cancel> cancel = nullptr);

  // Ends what is under way with kUnavailable and refuses what comes. The destructor does the same;
  // the executors of waiting coroutines must outlive it.
  void Shutdown();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace connector::curl
