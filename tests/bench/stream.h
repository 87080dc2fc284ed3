#pragma once

// A non-blocking TCP connection, plain or TLS, for the two ends of a benchmark. Not for the
// product: it trusts what it is told to trust and gives up on the first error.

#include <openssl/ssl.h>
#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace connector::bench {

struct SslDeleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

// What a read or write came to: bytes > 0, 0 = would block, -1 = the connection is over.
using Moved = std::ptrdiff_t;

class Stream {
 public:
  // Takes `fd`. With `context`, the TLS side of a server (accepts).
  explicit Stream(int fd, SSL_CTX* context = nullptr);
  Stream(Stream&& other) noexcept;
  Stream& operator=(Stream&&) = delete;
  ~Stream();

  [[nodiscard]] int fd() const { return fd_; }
  Moved Read(char* out, std::size_t size);
  // Reads and throws away; without TLS the bytes are not even copied.
  Moved Discard(std::size_t size);
  Moved Write(const char* data, std::size_t size);

 private:
  Moved Outcome(int result) const;

  int fd_;
  std::unique_ptr<SSL, SslDeleter> ssl_;
};

// Listens on 127.0.0.1 on a port that the kernel picks. Exits the program on failure.
int Listen(std::uint16_t& port);
// Connects to 127.0.0.1, blocking, and makes the descriptor non-blocking.
int Connect(std::uint16_t port);
void Watch(int epoll, int op, int fd, std::uint32_t events, void* owner);
[[noreturn]] void Die(std::string_view what);

// The value of a header in a head, or empty. Names are compared without case.
std::string_view Header(std::string_view head, std::string_view name);

}  // namespace connector::bench
