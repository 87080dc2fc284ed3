#pragma once

// Stream: one TCP connection, plain or TLS, that belongs to one worker. Reading and writing are
// attempts that never block; only when the kernel has nothing does a coroutine wait. So a request
// whose bytes are already there costs no trip through the event loop.
//
// Deliberately not asio::ssl::stream: SSL works on the descriptor itself, which costs a quarter of
// the memory and a fifth less CPU (tests/bench).

#include "common/async/task.h"
#include "common/base/result.h"
#include "dataplane/net/server_names.h"
#include "dataplane/net/timers.h"

#include <boost/asio/ip/tcp.hpp>
#include <openssl/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

struct iovec;
struct ssl_session_st;  // OpenSSL's SSL_SESSION.

namespace connector::dataplane::net {

using TlsSession = std::shared_ptr<ssl_session_st>;
using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;

enum class IoStatus : std::uint8_t { kOk, kEof, kWouldBlock, kUnsupported, kError };

struct IoResult {
  IoStatus status = IoStatus::kError;
  std::size_t bytes = 0;
};

// Not thread-safe: belongs to the worker whose Timers it was made with. At most one coroutine waits
// on it at a time, beside one WatchReadable.
class Stream final : private TimedWait {
 public:
  Stream(Socket socket, Timers& timers);
  ~Stream() override;

  // Turns the connection into a TLS one. The server side shows what `names` says, or where that is
  // null the certificate of `context`; the client side verifies the peer against `peer_host` (a DNS
  // name or an IP address) and resumes `session` when there is one. The error's message says why
  // verification failed.
  [[nodiscard]] Task<Result<Done>> AcceptTls(SSL_CTX* context,
                                             ServerNames* names,
                                             std::chrono::milliseconds timeout);
  [[nodiscard]] Task<Result<Done>> ConnectTls(SSL_CTX* context,
                                              std::string peer_host,
                                              TlsSession session,
                                              std::chrono::milliseconds timeout);

  [[nodiscard]] IoResult TryRead(char* data, std::size_t size);
  [[nodiscard]] IoResult TryWrite(std::string_view data);
  // May write a part of the pieces, as writev(2) does.
  [[nodiscard]] IoResult TryWrite(const iovec* pieces, int count);

  // Moves bytes between a plain connection and a pipe without copying them here (splice(2)). Not
  // for TLS. kUnsupported where the kernel cannot splice this socket: nothing was moved.
  [[nodiscard]] IoResult TrySpliceInto(int pipe, std::size_t size);
  // `more`: further bytes follow, so the kernel may wait to fill a packet.
  [[nodiscard]] IoResult TrySpliceFrom(int pipe, std::size_t size, bool more);

  // Waits until the attempt that would have blocked is worth repeating. Fails with
  // kDeadlineExceeded after `timeout`, and with kUnavailable when the wait was cancelled or the
  // socket failed.
  [[nodiscard]] Task<Result<Done>> WaitBlocked(std::chrono::milliseconds timeout);
  // The same, for data or end of file, when nothing was tried.
  [[nodiscard]] Task<Result<Done>> WaitReadable(std::chrono::milliseconds timeout);

  // Reads when nothing is expected to be there yet: lets the event loop do the reading, which costs
  // no system call before the bytes come. Returns 0 at the end of the stream.
  [[nodiscard]] Task<Result<std::size_t>> Receive(char* data,
                                                  std::size_t size,
                                                  std::chrono::milliseconds timeout);

  // Convenience for heads and small bodies. Read returns 0 at the end of the stream.
  [[nodiscard]] Task<Result<std::size_t>> Read(char* data,
                                               std::size_t size,
                                               std::chrono::milliseconds timeout);
  // `timeout` is for all of it.
  [[nodiscard]] Task<Result<Done>> WriteAll(std::string_view data,
                                            std::chrono::milliseconds timeout);

  // Calls `on_readable` once when data (or an error) is there, unless the stream dies first; over
  // TLS, when it is application data. Used to notice a response that comes before the request's
  // body was sent.
  void WatchReadable(std::function<void()> on_readable);

  // Ends a wait of the coroutine, from the same worker.
  void CancelWait();

  // TLS is left without a close notification: HTTP framing already tells where a message ends.
  void Close();
  void Reset();  // The peer sees a failure, never the end of what was sent.
  void ShutdownSend();
  // Ends it in both directions, so that whatever waits on it goes on and finds its end. Unlike
  // Close it keeps the descriptor, which a TLS connection still reads from.
  void ShutdownBoth();

  // True when a peer that should be silent has closed or sent something; over TLS, something that
  // is for us and not for TLS itself.
  [[nodiscard]] bool HasInputOrEnd();

  [[nodiscard]] bool tls() const { return ssl_ != nullptr; }
  [[nodiscard]] bool open() const { return socket_.is_open(); }
  [[nodiscard]] std::string RemoteAddress() const;  // "ip:port"; empty when it is gone.
  // For resumption of a later connection; null when not resumable, resumed itself, or taken before.
  [[nodiscard]] TlsSession TakeSession();

  // True when TLS records wait in memory, so that the socket may be quiet although there is input.
  [[nodiscard]] bool HasBufferedInput() const;

 private:
  enum class IoDirection : std::uint8_t { kRead, kWrite };

  void OnTimeout() override;
  [[nodiscard]] IoResult FromSsl(int result);
  [[nodiscard]] bool HasApplicationData();
  [[nodiscard]] Task<Result<Done>> Wait(IoDirection direction, std::chrono::milliseconds timeout);
  [[nodiscard]] Task<Result<Done>> AcceptByName(ServerNames& names,
                                                std::chrono::milliseconds timeout);
  // `naming` is null on the client side, and where one certificate serves every name.
  [[nodiscard]] Task<Result<Done>> RunHandshake(std::chrono::milliseconds timeout,
                                                NamedHandshake* naming = nullptr);

  Socket socket_;
  Timers& timers_;
  SSL* ssl_ = nullptr;
  IoDirection blocked_on_ = IoDirection::kRead;
  bool timed_out_ = false;
  bool cancelled_ = false;
  bool session_taken_ = false;
  std::shared_ptr<bool> alive_;  // Made by WatchReadable only.
};

}  // namespace connector::dataplane::net
