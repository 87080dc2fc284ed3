#include "common/curl/curl_transfer.h"

#include "common/base/ascii.h"
#include "common/base/secret_place.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace connector::curl {
namespace {

using std::chrono::milliseconds;

constexpr long kSmallBuffer = 1024;  // The least that curl takes.

Error Upstream(ErrorCode code, std::string message, Retry retry = Retry::kNever) {
  return MakeError(code, ErrorOrigin::kUpstream, std::move(message), retry);
}

std::string_view Trim(std::string_view text) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) {
    return {};
  }
  return text.substr(start, text.find_last_not_of(" \t\r\n") - start + 1);
}

bool BreaksLine(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

// True when the transfer ended before the request can have reached the server.
bool NothingWasSent(CURLcode code) {
  return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT ||
         code == CURLE_SSL_CONNECT_ERROR;
}

}  // namespace

CurlTransfer::CurlTransfer(CurlRequest request, Deadline deadline, Done done)
    : request_(std::move(request)), deadline_(deadline), done_(std::move(done)) {}

CurlTransfer::CurlTransfer(CurlRequest request, Deadline deadline, std::shared_ptr<CurlInbox> inbox)
    : request_(std::move(request)), deadline_(deadline), inbox_(std::move(inbox)) {}

CurlTransfer::~CurlTransfer() {
  if (easy_ != nullptr) {
    curl_easy_cleanup(easy_);
  }
  for (curl_slist* node = headers_; node != nullptr; node = node->next) {
    OPENSSL_cleanse(node->data, std::strlen(node->data));
  }
  curl_slist_free_all(headers_);
  curl_slist_free_all(connect_to_);
}

Result<connector::Done> CurlTransfer::Prepare(ConnectionReuse reuse,
                                              CurlSharing* sharing,
                                              TrustStores& trust) {
  easy_ = curl_easy_init();
  if (easy_ == nullptr) {
    return MakeError(ErrorCode::kInternal, ErrorOrigin::kSelf, "curl_easy_init failed");
  }
  if (request_.url.origin.tls) {
    Result<std::shared_ptr<X509_STORE>> store = trust.Get(request_.ca_pem, request_.only_ca_pem);
    if (!store) {
      return std::move(store).error();
    }
    verification_.SetUp(easy_, request_.ca_pem, *std::move(store));
    SetClientCertificate();
  }
  SetConnection(reuse);
  SetVersion(sharing);
  SetMethod();
  return SetHeaders();
}

void CurlTransfer::SetConnection(ConnectionReuse reuse) {
  const auto left =
      std::chrono::duration_cast<milliseconds>(deadline_ - std::chrono::steady_clock::now());
  curl_easy_setopt(easy_, CURLOPT_PRIVATE, this);
  curl_easy_setopt(easy_, CURLOPT_URL, request_.url.ToString().c_str());
  curl_easy_setopt(easy_, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy_, CURLOPT_FOLLOWLOCATION, 0L);  // P5: a credential never follows.
  curl_easy_setopt(easy_, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  SetRoute();
  curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
  // A resolver that hangs would otherwise hold up every transfer when its handle is freed.
  curl_easy_setopt(easy_, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy_, CURLOPT_TIMEOUT_MS, std::max(1L, static_cast<long>(left.count())));
  curl_easy_setopt(easy_,
                   CURLOPT_CONNECTTIMEOUT_MS,
                   std::max(1L, static_cast<long>(request_.connect_timeout.count())));
  curl_easy_setopt(easy_, CURLOPT_USERAGENT, "oci-connector");
  curl_easy_setopt(easy_, CURLOPT_HEADERFUNCTION, &CurlTransfer::OnHeader);
  curl_easy_setopt(easy_, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, &CurlTransfer::OnBody);
  curl_easy_setopt(easy_, CURLOPT_WRITEDATA, this);
  if (request_.connection_check != nullptr) {
    curl_easy_setopt(easy_, CURLOPT_OPENSOCKETFUNCTION, &CurlTransfer::OnOpenSocket);
    curl_easy_setopt(easy_, CURLOPT_OPENSOCKETDATA, this);
  }
  // What somebody else's check let through is not for this one.
  if (reuse == ConnectionReuse::kNever || request_.connection_check != nullptr) {
    curl_easy_setopt(easy_, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy_, CURLOPT_FORBID_REUSE, 1L);
  }
}

void CurlTransfer::SetVersion(CurlSharing* sharing) {
  sharing_ = sharing;
  if (sharing == nullptr) {
    curl_easy_setopt(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    return;
  }
  curl_easy_setopt(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  curl_easy_setopt(easy_, CURLOPT_PIPEWAIT, 1L);
  if (request_.mostly_waits) {
    curl_easy_setopt(easy_, CURLOPT_BUFFERSIZE, kSmallBuffer);
  }
  curl_easy_setopt(easy_, CURLOPT_SOCKOPTFUNCTION, &CurlTransfer::OnNewSocket);
  // The connection outlives this transfer, and keeps these two.
  curl_easy_setopt(easy_, CURLOPT_CLOSESOCKETFUNCTION, &CurlTransfer::OnCloseSocket);
  curl_easy_setopt(easy_, CURLOPT_CLOSESOCKETDATA, sharing);
  curl_easy_setopt(easy_, CURLOPT_PREREQFUNCTION, &CurlTransfer::OnConnected);
  curl_easy_setopt(easy_, CURLOPT_PREREQDATA, this);
}

curl_socket_t CurlTransfer::OnOpenSocket(void* self,
                                         curlsocktype /*purpose*/,
                                         curl_sockaddr* address) {
  return OpenSocket(*static_cast<CurlTransfer*>(self)->request_.connection_check, *address);
}

int CurlTransfer::OnCloseSocket(void* sharing, curl_socket_t socket) {
  static_cast<CurlSharing*>(sharing)->Closed(socket);
  return ::close(socket);
}

// Called before each request is sent.
int CurlTransfer::OnConnected(
    void* self, char* /*ip*/, char* /*local_ip*/, int /*port*/, int /*local_port*/) {
  auto* transfer = static_cast<CurlTransfer*>(self);
  curl_tlssessioninfo* tls = nullptr;
  curl_easy_getinfo(transfer->easy_, CURLINFO_TLS_SSL_PTR, &tls);
  const unsigned char* protocol = nullptr;
  unsigned int size = 0;
  if (tls != nullptr && tls->internals != nullptr) {
    SSL_get0_alpn_selected(static_cast<SSL*>(tls->internals), &protocol, &size);
  }
  const std::string_view chosen(reinterpret_cast<const char*>(protocol), size);
  transfer->sharing_->Connected(transfer->easy_, transfer->Socket(), chosen == "h2");
  return CURL_PREREQFUNC_OK;
}

curl_socket_t CurlTransfer::Socket() const {
  curl_socket_t socket = CURL_SOCKET_BAD;
  curl_easy_getinfo(easy_, CURLINFO_ACTIVESOCKET, &socket);
  return socket;
}

void CurlTransfer::CutConnection() const {
  if (const curl_socket_t socket = Socket(); socket != CURL_SOCKET_BAD) {
    ::shutdown(socket, SHUT_RDWR);
  }
}

Error CurlTransfer::NoTimeLeft() const {
  return Upstream(ErrorCode::kDeadlineExceeded,
                  "no time was left to ask " + request_.url.origin.Authority(),
                  Retry::kSafe);
}

// If the peer vanishes, every request on this connection would hang; TCP keepalive detects that.
int CurlTransfer::OnNewSocket(void* /*self*/, curl_socket_t socket, curlsocktype /*purpose*/) {
  const int on = 1;
  const int quarter = static_cast<int>(kDeadPeer.count()) / 4;
  const unsigned int dead = std::chrono::milliseconds(kDeadPeer).count();
  ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &quarter, sizeof quarter);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &quarter, sizeof quarter);
  ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead, sizeof dead);
  return CURL_SOCKOPT_OK;
}

void CurlTransfer::SetRoute() {
  // Either both are set or neither: the environment never has a say.
  curl_easy_setopt(easy_, CURLOPT_PROXY, request_.proxy.c_str());
  curl_easy_setopt(easy_, CURLOPT_NOPROXY, request_.proxy.empty() ? "*" : "");
  // A request's headers hold tokens, which are not the proxy's to see.
  curl_easy_setopt(easy_, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
  if (request_.connect_to) {
    const http::Origin& to = *request_.connect_to;
    const std::string host = to.HostIsIpv6() ? "[" + to.host + "]" : to.host;
    connect_to_ = curl_slist_append(nullptr, ("::" + host + ":" + std::to_string(to.port)).c_str());
    curl_easy_setopt(easy_, CURLOPT_CONNECT_TO, connect_to_);
  }
}

void CurlTransfer::SetClientCertificate() {
  if (!request_.client_cert_file.empty()) {
    curl_easy_setopt(easy_, CURLOPT_SSLCERT, request_.client_cert_file.c_str());
    curl_easy_setopt(easy_, CURLOPT_SSLKEY, request_.client_key_file.c_str());
  } else if (!request_.client_cert_pem.empty()) {
    std::string& certificate = request_.client_cert_pem;
    curl_blob cert_blob{certificate.data(), certificate.size(), CURL_BLOB_NOCOPY};
    curl_easy_setopt(easy_, CURLOPT_SSLCERT_BLOB, &cert_blob);
    const std::string_view key = request_.client_key_pem.Reveal();
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): curl only reads it.
    curl_blob key_blob{const_cast<char*>(key.data()), key.size(), CURL_BLOB_NOCOPY};
    curl_easy_setopt(easy_, CURLOPT_SSLKEY_BLOB, &key_blob);
  }
}

void CurlTransfer::SetMethod() {
  if (request_.method == "HEAD") {
    curl_easy_setopt(easy_, CURLOPT_NOBODY, 1L);
  } else if (request_.method == "POST" || !request_.body.empty()) {
    const std::string_view body = request_.body.Reveal();  // Curl reads it in place.
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDS, body.empty() ? "" : body.data());
  }
  if (request_.method != "GET" && request_.method != "HEAD" && request_.method != "POST") {
    curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  }
}

Result<connector::Done> CurlTransfer::SetHeaders() {
  // An empty value takes out what curl would add on its own.
  headers_ = curl_slist_append(headers_, "Expect:");
  // Nobody asks for it, and some services compress their answers all the same. Curl takes it off,
  // and the bound of the answer counts what comes out.
  curl_easy_setopt(easy_, CURLOPT_ACCEPT_ENCODING, "gzip");
  headers_ = curl_slist_append(headers_, "Accept-Encoding:");
  bool has_type = false;
  for (const RequestHeader& header : request_.headers) {
    const std::string_view value = header.value.Reveal();
    if (header.name.empty() || header.name.find_first_of(":; \t") != std::string::npos ||
        BreaksLine(header.name) || BreaksLine(value)) {
      return MakeError(ErrorCode::kInvalidArgument,
                       ErrorOrigin::kSelf,
                       "a request header holds a line break or has no proper name");
    }
    has_type = has_type || curl_strequal(header.name.c_str(), "content-type") != 0;
    WipedBuffer line;
    line.Append(header.name);
    line.Append(value.empty() ? ";" : ": ");
    line.Append(value);
    line.Append(std::string_view("\0", 1));
    headers_ = curl_slist_append(headers_, line.view().data());
  }
  if (!has_type) {
    headers_ = curl_slist_append(headers_, "Content-Type:");
  }
  curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers_);
  request_.headers.clear();
  return connector::Done{};
}

std::size_t CurlTransfer::OnHeader(char* data, std::size_t size, std::size_t count, void* self) {
  auto* transfer = static_cast<CurlTransfer*>(self);
  transfer->head_bytes_ += size * count;
  if (transfer->head_bytes_ > kMaxResponseHeadBytes) {
    transfer->too_large_ = true;
    return 0;
  }
  transfer->ReadHeaderLine(std::string_view(data, size * count));
  return size * count;
}

void CurlTransfer::ReadHeaderLine(std::string_view line) {
  if (inbox_ != nullptr && Trim(line).empty()) {
    long status = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200) {
      inbox_->PutHead(static_cast<int>(status), std::exchange(response_.headers, {}));
    }
    return;
  }
  if (line.starts_with("HTTP/")) {
    response_.headers.clear();  // What came before was an interim answer.
    return;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) {
    return;
  }
  std::string name = Lower(line.substr(0, colon));
  const std::string_view value = Trim(line.substr(colon + 1));
  const auto [place, added] = response_.headers.try_emplace(std::move(name), value);
  if (!added) {
    place->second.append(", ").append(value);
  }
}

std::size_t CurlTransfer::OnBody(char* data, std::size_t size, std::size_t count, void* self) {
  auto* transfer = static_cast<CurlTransfer*>(self);
  const std::size_t bytes = size * count;
  if (transfer->inbox_ != nullptr) {
    transfer->too_large_ = !transfer->inbox_->PutBody({data, bytes});
    return transfer->too_large_ ? 0 : bytes;
  }
  if (transfer->request_.max_response_bytes - transfer->body_.size() < bytes) {
    transfer->too_large_ = true;
    return 0;
  }
  transfer->body_.Append({data, bytes});
  return bytes;
}

bool CurlTransfer::Connected() const {
  curl_off_t before_request = 0;  // Microseconds until the request could be sent.
  curl_easy_getinfo(easy_, CURLINFO_PRETRANSFER_TIME_T, &before_request);
  return before_request > 0;
}

bool CurlTransfer::EndedWithoutConnection(CURLcode code) const {
  return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT ||
         (code == CURLE_OPERATION_TIMEDOUT && !Connected());
}

Error CurlTransfer::ToError(CURLcode code) const {
  const std::string host = request_.url.origin.Authority();
  const Retry retry = NothingWasSent(code) || request_.method == "GET" || request_.method == "HEAD"
                          ? Retry::kSafe
                          : Retry::kNever;
  if (too_large_) {
    return Upstream(ErrorCode::kResourceExhausted, "the answer of " + host + " is too large");
  }
  if (code == CURLE_PEER_FAILED_VERIFICATION || verification_.failed()) {
    return Upstream(ErrorCode::kUnavailable,
                    "the certificate of " + host + " " + verification_.Problem());
  }
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      if (!Connected() && std::chrono::steady_clock::now() < deadline_ - milliseconds(1)) {
        return Upstream(ErrorCode::kUnavailable,
                        "no connection to " + host + " within the connect timeout",
                        Retry::kSafe);
      }
      return Upstream(ErrorCode::kDeadlineExceeded, host + " did not answer in time", retry);
    case CURLE_COULDNT_RESOLVE_HOST:
      return Upstream(ErrorCode::kUnavailable, "the name " + host + " does not resolve", retry);
    case CURLE_COULDNT_CONNECT:
      if (request_.connection_check != nullptr && !request_.connection_check->refused.empty()) {
        return Upstream(
            ErrorCode::kUnavailable, host + ": " + request_.connection_check->refused, retry);
      }
      return Upstream(ErrorCode::kUnavailable, host + " refused the connection", retry);
    case CURLE_SSL_CONNECT_ERROR:
      return Upstream(ErrorCode::kUnavailable, "no TLS connection to " + host, retry);
    case CURLE_SSL_CERTPROBLEM:
      return Upstream(
          ErrorCode::kUnavailable,
          "the client certificate for " + host + " cannot be read or does not fit its key");
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
      return Upstream(ErrorCode::kUnavailable, host + " cut the connection off", retry);
    default:
      return Upstream(ErrorCode::kUnavailable,
                      "no valid HTTP answer from " + host + " (" + curl_easy_strerror(code) + ")",
                      retry);
  }
}

void CurlTransfer::Finish(CURLcode code) {
  if (code != CURLE_OK) {
    if (request_.connection_check != nullptr) {
      request_.connection_check->no_connection = EndedWithoutConnection(code);
    }
    Finish(ToError(code));
    return;
  }
  if (inbox_ != nullptr) {
    inbox_->PutEnd(std::nullopt);
    return;
  }
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  response_.body = ForeignSecret(body_.view());
  done_(std::move(response_));
}

void CurlTransfer::Finish(Error error) {
  if (inbox_ != nullptr) {
    inbox_->PutEnd(std::move(error));
    return;
  }
  done_(std::move(error));
}

}  // namespace connector::curl
