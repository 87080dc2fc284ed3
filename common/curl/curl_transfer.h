#pragma once

// One transfer of CurlClient: a curl handle set up by the rules of curl_client.h, what it has
// received so far, and how its end reads as a Result. No thread and no loop. Private to this
// library.

#include "common/curl/curl_client.h"
#include "common/curl/curl_sharing.h"
#include "common/curl/peer_verification.h"
#include "common/curl/trust.h"
#include "common/curl/wiped_buffer.h"

#include <curl/curl.h>

#include <functional>
#include <string_view>

namespace connector::curl {

inline constexpr std::size_t kMaxResponseHeadBytes = 64 * 1024;

class CurlTransfer {
 public:
  using Done = std::function<void(Result<CurlResponse>)>;

  // `done` is called once, by Finish.
  CurlTransfer(CurlRequest request, Deadline deadline, Done done);
  // Puts what arrives, and the end, into `inbox`.
  CurlTransfer(CurlRequest request, Deadline deadline, std::shared_ptr<CurlInbox> inbox);
  ~CurlTransfer();
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;

  // Sets the handle up. Nothing is sent yet. `sharing`: null for HTTP/1.1.
  [[nodiscard]] Result<connector::Done> Prepare(ConnectionReuse reuse,
                                                CurlSharing* sharing,
                                                TrustStores& trust);

  [[nodiscard]] CURL* handle() const { return easy_; }
  [[nodiscard]] const CurlInbox* inbox() const { return inbox_.get(); }
  [[nodiscard]] Deadline deadline() const { return deadline_; }
  [[nodiscard]] Error NoTimeLeft() const;
  // Nothing of it is sent any more, and nothing of others on its connection.
  void CutConnection() const;
  void Finish(CURLcode code);
  void Finish(Error error);

 private:
  static std::size_t OnHeader(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* self);
  static curl_socket_t OnOpenSocket(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int OnNewSocket(void* self, curl_socket_t socket, curlsocktype purpose);
  static int OnCloseSocket(void* sharing, curl_socket_t socket);
  static int OnConnected(void* self, char* ip, char* local_ip, int port, int local_port);

  void SetConnection(ConnectionReuse reuse);
  void SetVersion(CurlSharing* sharing);
  void SetRoute();
  void SetClientCertificate();
  void SetMethod();
  [[nodiscard]] Result<connector::Done> SetHeaders();
  void ReadHeaderLine(std::string_view line);
  [[nodiscard]] curl_socket_t Socket() const;  // CURL_SOCKET_BAD: it has none.
  [[nodiscard]] bool Connected() const;
  [[nodiscard]] bool EndedWithoutConnection(CURLcode code) const;
  [[nodiscard]] Error ToError(CURLcode code) const;

  CurlRequest request_;
  Deadline deadline_;
  CurlSharing* sharing_ = nullptr;
  Done done_;                         // Or ...
  std::shared_ptr<CurlInbox> inbox_;  // ... this.
  CURL* easy_ = nullptr;
  curl_slist* headers_ = nullptr;
  curl_slist* connect_to_ = nullptr;
  PeerVerification verification_;
  CurlResponse response_;
  WipedBuffer body_;
  std::size_t head_bytes_ = 0;
  bool too_large_ = false;
};

}  // namespace connector::curl
