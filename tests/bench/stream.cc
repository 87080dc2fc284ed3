#include "tests/bench/stream.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace connector::bench {
namespace {

constexpr std::size_t kDiscardBytes = 256 * 1024;

sockaddr_in Loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void NoDelay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

Stream::Stream(int fd, SSL_CTX* context) : fd_(fd) {
  NoDelay(fd_);
  if (context != nullptr) {
    ssl_.reset(SSL_new(context));
    SSL_set_fd(ssl_.get(), fd_);
    SSL_set_accept_state(ssl_.get());
  }
}

Stream::Stream(Stream&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), ssl_(std::move(other.ssl_)) {}

Stream::~Stream() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

Moved Stream::Outcome(int result) const {
  if (result > 0) {
    return result;
  }
  const int error = SSL_get_error(ssl_.get(), result);
  ERR_clear_error();
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

Moved Stream::Read(char* out, std::size_t size) {
  if (ssl_) {
    return Outcome(SSL_read(ssl_.get(), out, static_cast<int>(size)));
  }
  const ssize_t n = recv(fd_, out, size, 0);
  return n > 0 ? n : n < 0 && errno == EAGAIN ? 0 : -1;
}

Moved Stream::Discard(std::size_t size) {
  static std::array<char, kDiscardBytes> sink;
  if (ssl_) {
    return Read(sink.data(), std::min(size, sink.size()));
  }
  const ssize_t n = recv(fd_, nullptr, std::min<std::size_t>(size, 4U << 20U), MSG_TRUNC);
  return n > 0 ? n : n < 0 && errno == EAGAIN ? 0 : -1;
}

Moved Stream::Write(const char* data, std::size_t size) {
  if (ssl_) {
    return Outcome(
        SSL_write(ssl_.get(), data, static_cast<int>(std::min<std::size_t>(size, 1U << 20U))));
  }
  const ssize_t n = send(fd_, data, size, MSG_NOSIGNAL);
  return n > 0 ? n : n < 0 && errno == EAGAIN ? 0 : -1;
}

int Listen(std::uint16_t& port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof address;
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(fd, 4096) != 0 || getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    Die("listen");
  }
  port = ntohs(address.sin_port);
  return fd;
}

int Connect(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  if (fd < 0 || connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    Die("connect");
  }
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

void Watch(int epoll, int op, int fd, std::uint32_t events, void* owner) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = owner;
  if (epoll_ctl(epoll, op, fd, &event) != 0) {
    Die("epoll_ctl");
  }
}

void Die(std::string_view what) {
  std::fprintf(
      stderr, "%.*s: %s\n", static_cast<int>(what.size()), what.data(), std::strerror(errno));
  std::exit(1);
}

std::string_view Header(std::string_view head, std::string_view name) {
  for (std::size_t at = head.find("\r\n"); at + 2 < head.size();) {
    const std::size_t begin = at + 2;
    const std::size_t end = head.find("\r\n", begin);
    const std::string_view line = head.substr(begin, end - begin);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        strncasecmp(line.data(), name.data(), name.size()) == 0) {
      const std::size_t value = line.find_first_not_of(' ', name.size() + 1);
      return value == std::string_view::npos ? std::string_view() : line.substr(value);
    }
    at = end;
  }
  return {};
}

}  // namespace connector::bench
