#include "tests/support/cpp/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <utility>

namespace connector::testing_support {
namespace {

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

}  // namespace

RawClient::RawClient(std::uint16_t port, const char* from) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in own{};
  own.sin_family = AF_INET;
  ::inet_pton(AF_INET, from, &own.sin_addr);
  if (::bind(fd_, reinterpret_cast<sockaddr*>(&own), sizeof own) != 0) {
    throw std::runtime_error("raw client: cannot bind");
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  const timeval patience{10, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("raw client: cannot connect");
  }
}

RawClient::~RawClient() {
  Close();
}

void RawClient::Close() {
  if (fd_ >= 0) {
    ::close(fd_);
    fd_ = -1;
  }
}

std::uint16_t RawClient::local_port() const {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

void RawClient::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put <= 0) {
      return;  // The other side has closed; reading will tell.
    }
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
}

void RawClient::SendByteByByte(std::string_view bytes) {
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  for (const char& byte : bytes) {
    Send({&byte, 1});
  }
}

void RawClient::FinishSending() {
  ::shutdown(fd_, SHUT_WR);
}

bool RawClient::Fill() {
  char chunk[65536];
  const ssize_t got = ::recv(fd_, chunk, sizeof chunk, 0);
  if (got <= 0) {
    closed_ = got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
    reset_ = got < 0 && errno == ECONNRESET;
    return false;
  }
  buffer_.append(chunk, static_cast<std::size_t>(got));
  return true;
}

RawResponse RawClient::Read(bool head_only) {
  RawResponse response;
  std::size_t end = std::string::npos;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!Fill()) {
      return response;
    }
  }
  response.head = buffer_.substr(0, end + 4);
  buffer_.erase(0, end + 4);
  response.status = std::stoi(response.head.substr(9, 3));
  std::size_t start = response.head.find("\r\n") + 2;
  while (start + 2 < response.head.size()) {
    const std::size_t stop = response.head.find("\r\n", start);
    const std::string field = response.head.substr(start, stop - start);
    const std::size_t colon = field.find(':');
    response.headers[Lower(field.substr(0, colon))] =
        field.substr(std::min(colon + 2, field.size()));
    start = stop + 2;
  }
  if (head_only || response.status < 200 || response.status == 204 || response.status == 304) {
    response.complete = true;
    return response;
  }
  if (response.Header("transfer-encoding") == "chunked") {
    while (true) {
      std::size_t line = std::string::npos;
      while ((line = buffer_.find("\r\n")) == std::string::npos) {
        if (!Fill()) {
          return response;
        }
      }
      const std::size_t size = std::stoul(buffer_.substr(0, line), nullptr, 16);
      while (buffer_.size() < line + 2 + size + 2) {
        if (!Fill()) {
          return response;
        }
      }
      response.body.append(buffer_, line + 2, size);
      buffer_.erase(0, line + 2 + size + 2);
      if (size == 0) {
        response.complete = true;
        return response;
      }
    }
  }
  const std::string length = response.Header("content-length");
  if (length.empty()) {
    while (Fill()) {
    }
    response.body.swap(buffer_);
    response.complete = closed_ && !reset_;
    return response;
  }
  const std::size_t size = std::stoul(length);
  while (buffer_.size() < size) {
    if (!Fill()) {
      response.body.swap(buffer_);
      return response;
    }
  }
  response.body = buffer_.substr(0, size);
  buffer_.erase(0, size);
  response.complete = true;
  return response;
}

std::string RawClient::ReadToEnd() {
  while (Fill()) {
  }
  return std::exchange(buffer_, {});
}

bool RawClient::AtEnd() {
  return buffer_.empty() && (closed_ || !Fill()) && closed_;
}

}  // namespace connector::testing_support
