#include "common/curl/curl_connection.h"

#include "common/curl/peer_verification.h"
#include "common/curl/trust.h"

#include <curl/curl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

namespace connector::curl {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kAcknowledgedCheck{5};

milliseconds TimeLeft(Deadline deadline) {
  return std::max(
      milliseconds(0),
      std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now()));
}

Error Failed(ErrorCode code, std::string message) {
  return MakeError(code, ErrorOrigin::kUpstream, std::move(message), Retry::kSafe);
}

}  // namespace

struct CurlConnection::Handle {
  ~Handle() { curl_easy_cleanup(easy); }

  CURL* easy = curl_easy_init();
  curl_socket_t socket = CURL_SOCKET_BAD;
  std::string peer;
  PeerVerification verification;
};

CurlConnection::CurlConnection(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}

CurlConnection::~CurlConnection() = default;

Result<std::unique_ptr<CurlConnection>> CurlConnection::Connect(
    const CurlConnectionOptions& options, Deadline deadline) {
  auto handle = std::make_unique<Handle>();
  CURL* const easy = handle->easy;
  handle->peer = options.peer.Authority();
  curl_easy_setopt(easy, CURLOPT_URL, options.peer.ToString().c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_ENABLE_ALPN, 0L);
  curl_easy_setopt(
      easy, CURLOPT_TIMEOUT_MS, std::max(1L, static_cast<long>(TimeLeft(deadline).count())));
  if (options.peer.tls) {
    auto store = TrustStores().Get(options.ca_pem, !options.ca_pem.empty());
    if (!store) {
      return std::move(store).error();
    }
    handle->verification.SetUp(easy, options.ca_pem, *std::move(store));
  }
  if (!options.client_cert_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_SSLCERT, options.client_cert_file.c_str());
    curl_easy_setopt(easy, CURLOPT_SSLKEY, options.client_key_file.c_str());
  }
  const CURLcode code = curl_easy_perform(easy);
  if (handle->verification.failed() || code == CURLE_PEER_FAILED_VERIFICATION) {
    return Failed(ErrorCode::kUnavailable,
                  "the certificate of " + handle->peer + " " + handle->verification.Problem());
  }
  if (code != CURLE_OK) {
    return Failed(ErrorCode::kUnavailable,
                  "no connection to " + handle->peer + " (" + curl_easy_strerror(code) + ")");
  }
  curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &handle->socket);
  return std::unique_ptr<CurlConnection>(new CurlConnection(std::move(handle)));
}

Result<Done> CurlConnection::Send(std::string_view bytes, Deadline deadline) {
  Result<Done> open = CheckOpen();
  if (!open) {
    return open;
  }
  while (!bytes.empty()) {
    std::size_t sent = 0;
    const CURLcode code = curl_easy_send(handle_->easy, bytes.data(), bytes.size(), &sent);
    if (code != CURLE_OK && code != CURLE_AGAIN) {
      return Failed(ErrorCode::kUnavailable, handle_->peer + " cut the connection off");
    }
    bytes.remove_prefix(sent);
    if (code == CURLE_OK) {
      continue;
    }
    pollfd ready{handle_->socket, POLLOUT, 0};
    if (::poll(&ready, 1, static_cast<int>(TimeLeft(deadline).count())) == 0) {
      return Failed(ErrorCode::kDeadlineExceeded, handle_->peer + " did not take all in time");
    }
  }
  return WaitAcknowledged(deadline);
}

// A receiver that answers nothing shows in this way alone that it has gone.
Result<Done> CurlConnection::CheckOpen() {
  char byte = 0;
  std::size_t got = 0;
  const CURLcode code = curl_easy_recv(handle_->easy, &byte, 1, &got);
  if (code == CURLE_AGAIN || (code == CURLE_OK && got > 0)) {
    return Done{};
  }
  return Failed(ErrorCode::kUnavailable, handle_->peer + " has closed the connection");
}

Result<Done> CurlConnection::WaitAcknowledged(Deadline deadline) {
  int waiting = 0;
  while (::ioctl(handle_->socket, SIOCOUTQ, &waiting) == 0 && waiting > 0) {
    if (TimeLeft(deadline).count() == 0) {
      return Failed(ErrorCode::kDeadlineExceeded, handle_->peer + " did not take all in time");
    }
    std::this_thread::sleep_for(kAcknowledgedCheck);
  }
  // A reset empties the queue, too.
  return CheckOpen();
}

}  // namespace connector::curl
