#include "tests/support/cpp/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

namespace connector::testing_support {
namespace {

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

std::string Decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      out.push_back(static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16)));
      i += 2;
    } else {
      out.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

std::vector<std::string> Values(std::string_view text, std::string_view name) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (Decode(pair.substr(0, equals)) == name) {
      out.push_back(Decode(pair.substr(std::min(equals + 1, pair.size()))));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::shared_ptr<SSL_CTX> MakeContext(const TlsSetup& setup) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  SSL_CTX_clear_options(context.get(), SSL_OP_NO_TLSv1_2);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context.get(), setup.max_version);
  BIO* bio = BIO_new_mem_buf(setup.identity.certificate_pem.data(), -1);
  X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  bio = BIO_new_mem_buf(setup.identity.key_pem.data(), -1);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  const bool used = SSL_CTX_use_certificate(context.get(), certificate) == 1 &&
                    SSL_CTX_use_PrivateKey(context.get(), key) == 1;
  X509_free(certificate);
  EVP_PKEY_free(key);
  if (!used) {
    throw std::runtime_error("http server: the TLS identity does not work");
  }
  return context;
}

// One accepted connection, plain or TLS.
class Stream {
 public:
  Stream(int fd, SSL_CTX* context) : fd_(fd) {
    if (context != nullptr) {
      ssl_ = SSL_new(context);
      SSL_set_fd(ssl_, fd);
      ok_ = SSL_accept(ssl_) == 1;
    }
  }
  ~Stream() { SSL_free(ssl_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  [[nodiscard]] bool ok() const { return ok_; }

  // False at the end of the stream.
  bool Read(std::string& into) {
    char buffer[16384];
    const long count = ssl_ != nullptr ? SSL_read(ssl_, buffer, sizeof buffer)
                                       : static_cast<long>(::recv(fd_, buffer, sizeof buffer, 0));
    if (count <= 0) {
      return false;
    }
    into.append(buffer, static_cast<std::size_t>(count));
    return true;
  }

  bool Write(std::string_view data) {
    while (!data.empty()) {
      const long count =
          ssl_ != nullptr ? SSL_write(ssl_, data.data(), static_cast<int>(data.size()))
                          : static_cast<long>(::send(fd_, data.data(), data.size(), MSG_NOSIGNAL));
      if (count <= 0) {
        return false;
      }
      data.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  void End() {
    if (ssl_ != nullptr) {
      SSL_shutdown(ssl_);
    }
  }

 private:
  int fd_;
  SSL* ssl_ = nullptr;
  bool ok_ = true;
};

// Takes one line out of `buffer`, without its end.
std::optional<std::string> ReadLine(Stream& stream, std::string& buffer) {
  std::size_t end = std::string::npos;
  while ((end = buffer.find("\r\n")) == std::string::npos) {
    if (!stream.Read(buffer)) {
      return std::nullopt;
    }
  }
  std::string line = buffer.substr(0, end);
  buffer.erase(0, end + 2);
  return line;
}

bool ReadExactly(Stream& stream, std::string& buffer, std::size_t size, std::string& out) {
  while (buffer.size() < size) {
    if (!stream.Read(buffer)) {
      return false;
    }
  }
  out.append(buffer, 0, size);
  buffer.erase(0, size);
  return true;
}

bool ReadChunkedBody(Stream& stream, std::string& buffer, std::string& out) {
  while (true) {
    const std::optional<std::string> size_line = ReadLine(stream, buffer);
    if (!size_line) {
      return false;
    }
    const std::size_t size = std::stoul(*size_line, nullptr, 16);
    if (size > 0 && !ReadExactly(stream, buffer, size, out)) {
      return false;
    }
    if (!ReadLine(stream, buffer)) {
      return false;
    }
    if (size == 0) {
      return true;
    }
  }
}

// Takes the head of one request out of `buffer`, reading more as needed.
std::optional<HttpRequest> ReadHead(Stream& stream, std::string& buffer) {
  std::size_t end = std::string::npos;
  while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
    if (!stream.Read(buffer)) {
      return std::nullopt;
    }
  }
  HttpRequest request;
  const std::string head = buffer.substr(0, end + 2);
  buffer.erase(0, end + 4);
  std::size_t start = head.find("\r\n");
  const std::string line = head.substr(0, start);
  request.method = line.substr(0, line.find(' '));
  request.target =
      line.substr(request.method.size() + 1, line.rfind(' ') - request.method.size() - 1);
  for (start += 2; start < head.size();) {
    const std::size_t stop = head.find("\r\n", start);
    const std::string field = head.substr(start, stop - start);
    const std::size_t colon = field.find(':');
    const std::size_t value = field.find_first_not_of(' ', colon + 1);
    request.headers.emplace_back(Lower(field.substr(0, colon)),
                                 value == std::string::npos ? "" : field.substr(value));
    start = stop + 2;
  }
  return request;
}

bool ReadBody(Stream& stream, std::string& buffer, HttpRequest& request) {
  if (!request.Header("transfer-encoding").empty()) {
    return ReadChunkedBody(stream, buffer, request.body);
  }
  const std::string length = request.Header("content-length");
  return ReadExactly(stream, buffer, length.empty() ? 0 : std::stoul(length), request.body);
}

std::string Serialize(const HttpAnswer& answer, bool head_only) {
  if (!answer.raw.empty()) {
    return answer.raw;
  }
  std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " Scripted\r\nContent-Length: " +
                     std::to_string(answer.body.size() + (answer.cut ? 1 : 0)) + "\r\n";
  for (const auto& [name, value] : answer.headers) {
    text.append(name).append(": ").append(value).append("\r\n");
  }
  text.append("\r\n");
  return head_only ? text : text.append(answer.body);
}

}  // namespace

std::string HttpRequest::Header(std::string_view name) const {
  const auto found = std::find_if(
      headers.begin(), headers.end(), [&](const auto& header) { return header.first == name; });
  return found == headers.end() ? "" : found->second;
}

std::vector<std::string> HttpRequest::Query(std::string_view name) const {
  const std::size_t question = target.find('?');
  return question == std::string::npos
             ? std::vector<std::string>{}
             : Values(std::string_view(target).substr(question + 1), name);
}

std::vector<std::string> HttpRequest::Form(std::string_view name) const {
  return Values(body, name);
}

HttpServer::HttpServer(Handler handler, std::optional<TlsSetup> tls, bool everywhere)
    : handler_(std::move(handler)), tls_(tls ? MakeContext(*tls) : nullptr) {
  listener_ = ::socket(everywhere ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in ipv4{};
  ipv4.sin_family = AF_INET;
  ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 any{};  // The unspecified address; takes IPv4 as well.
  any.sin6_family = AF_INET6;
  auto* const address =
      everywhere ? reinterpret_cast<sockaddr*>(&any) : reinterpret_cast<sockaddr*>(&ipv4);
  socklen_t size = everywhere ? sizeof any : sizeof ipv4;
  if (::bind(listener_, address, size) != 0 || ::listen(listener_, 512) != 0 ||
      ::getsockname(listener_, address, &size) != 0) {
    throw std::runtime_error("http server: no port");
  }
  port_ = ntohs(everywhere ? any.sin6_port : ipv4.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

HttpServer::~HttpServer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const int fd : open_) {
      ::shutdown(fd, SHUT_RDWR);
    }
  }
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& thread : threads_) {
    thread.join();
  }
  ::close(listener_);
}

std::string HttpServer::address() const {
  return (tls_ != nullptr ? "https://localhost:" : "http://127.0.0.1:") + std::to_string(port_);
}

std::vector<HttpRequest> HttpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::size_t HttpServer::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_;
}

void HttpServer::Accept() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const std::lock_guard lock(mutex_);
    if (fd < 0 || stopping_) {
      if (fd >= 0) {
        ::close(fd);
      }
      return;
    }
    ++connections_;
    open_.insert(fd);
    threads_.emplace_back([this, fd] { Serve(fd); });
  }
}

void HttpServer::Serve(int fd) {
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);  // OpenSSL writes without MSG_NOSIGNAL.
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  {
    Stream stream(fd, tls_.get());
    std::string buffer;
    bool abrupt = false;
    while (stream.ok()) {
      std::optional<HttpRequest> request = ReadHead(stream, buffer);
      if (!request) {
        break;
      }
      if (const std::optional<HttpAnswer> early = early_ ? early_(*request) : std::nullopt) {
        {
          const std::lock_guard lock(mutex_);
          requests_.push_back(*request);
        }
        stream.Write(Serialize(*early, request->method == "HEAD"));
        if (early->abrupt) {
          abrupt = true;
          break;
        }
        ::shutdown(fd, SHUT_WR);
        while (stream.Read(buffer)) {
        }
        break;
      }
      if (!ReadBody(stream, buffer, *request)) {
        break;
      }
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(*request);
      }
      const HttpAnswer answer = handler_(*request);
      if (answer.unanswered) {
        break;
      }
      if (answer.silent) {
        while (stream.Read(buffer)) {
        }
        break;
      }
      const bool sent = stream.Write(Serialize(answer, request->method == "HEAD"));
      abrupt = answer.abrupt;
      if (answer.before_reset) {
        answer.before_reset();
        const linger at_once{1, 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        break;
      }
      if (!sent || (!answer.raw.empty() && !answer.keep) || answer.cut || abrupt) {
        break;
      }
    }
    if (stream.ok() && !abrupt) {
      stream.End();
    }
  }
  const std::lock_guard lock(mutex_);
  open_.erase(fd);
  ::close(fd);
}

}  // namespace connector::testing_support
