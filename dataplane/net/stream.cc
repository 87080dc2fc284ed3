#include "dataplane/net/stream.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <utility>

namespace connector::dataplane::net {
namespace {

Error Unavailable(std::string message) {
  return MakeError(ErrorCode::kUnavailable, ErrorOrigin::kUpstream, std::move(message));
}

IoResult FromErrno() {
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
    return {IoStatus::kWouldBlock, 0};
  }
  return {IoStatus::kError, 0};
}

}  // namespace

Stream::Stream(Socket socket, Timers& timers) : socket_(std::move(socket)), timers_(timers) {
  boost::system::error_code ignored;
  socket_.native_non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

Stream::~Stream() {
  if (alive_) {
    *alive_ = false;
  }
  if (ssl_ != nullptr) {
    // Else OpenSSL makes the session of a connection without a close notification useless.
    SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN);
  }
  SSL_free(ssl_);
}

void Stream::OnTimeout() {
  timed_out_ = true;
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void Stream::CancelWait() {
  cancelled_ = true;
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

Task<Result<Done>> Stream::Wait(IoDirection direction, std::chrono::milliseconds timeout) {
  timed_out_ = false;
  cancelled_ = false;
  timers_.Arm(*this, timeout);
  const auto kind = direction == IoDirection::kRead ? Socket::wait_read : Socket::wait_write;
  const auto [error] = co_await socket_.async_wait(kind, asio::as_tuple(kUseTask));
  Timers::Disarm(*this);
  if (timed_out_) {
    co_return MakeError(
        ErrorCode::kDeadlineExceeded, ErrorOrigin::kUpstream, "no progress in time");
  }
  if (error) {
    co_return Unavailable(cancelled_ ? "the wait was cancelled" : "the connection failed");
  }
  co_return Done{};
}

Task<Result<Done>> Stream::WaitBlocked(std::chrono::milliseconds timeout) {
  return Wait(blocked_on_, timeout);
}

Task<Result<Done>> Stream::WaitReadable(std::chrono::milliseconds timeout) {
  if (HasBufferedInput()) {
    co_return Done{};
  }
  co_return co_await Wait(IoDirection::kRead, timeout);
}

bool Stream::HasBufferedInput() const {
  return ssl_ != nullptr && SSL_has_pending(ssl_) != 0;
}

IoResult Stream::FromSsl(int result) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      blocked_on_ = IoDirection::kRead;
      return {IoStatus::kWouldBlock, 0};
    case SSL_ERROR_WANT_WRITE:
      blocked_on_ = IoDirection::kWrite;
      return {IoStatus::kWouldBlock, 0};
    case SSL_ERROR_ZERO_RETURN:
      return {IoStatus::kEof, 0};
    default:
      return {IoStatus::kError, 0};
  }
}

IoResult Stream::TryRead(char* data, std::size_t size) {
  if (ssl_ != nullptr) {
    std::size_t got = 0;
    ERR_clear_error();  // SSL_get_error would take an old error for this call's.
    const int result = SSL_read_ex(ssl_, data, size, &got);
    return result == 1 ? IoResult{IoStatus::kOk, got} : FromSsl(result);
  }
  const ssize_t got = ::recv(socket_.native_handle(), data, size, 0);
  if (got > 0) {
    return {IoStatus::kOk, static_cast<std::size_t>(got)};
  }
  if (got == 0) {
    return {IoStatus::kEof, 0};
  }
  blocked_on_ = IoDirection::kRead;
  return FromErrno();
}

IoResult Stream::TryWrite(std::string_view data) {
  if (data.empty()) {
    return {IoStatus::kOk, 0};
  }
  if (ssl_ != nullptr) {
    std::size_t put = 0;
    ERR_clear_error();
    const int result = SSL_write_ex(ssl_, data.data(), data.size(), &put);
    return result == 1 ? IoResult{IoStatus::kOk, put} : FromSsl(result);
  }
  const ssize_t put = ::send(socket_.native_handle(), data.data(), data.size(), MSG_NOSIGNAL);
  if (put >= 0) {
    return {IoStatus::kOk, static_cast<std::size_t>(put)};
  }
  blocked_on_ = IoDirection::kWrite;
  return FromErrno();
}

IoResult Stream::TryWrite(const iovec* pieces, int count) {
  if (ssl_ != nullptr) {
    for (int i = 0; i < count; ++i) {
      if (pieces[i].iov_len > 0) {
        return TryWrite(
            std::string_view(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len));
      }
    }
    return {IoStatus::kOk, 0};
  }
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces);  // NOLINT: sendmsg(2) does not write to it.
  message.msg_iovlen = static_cast<std::size_t>(count);
  const ssize_t put = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL);
  if (put >= 0) {
    return {IoStatus::kOk, static_cast<std::size_t>(put)};
  }
  blocked_on_ = IoDirection::kWrite;
  return FromErrno();
}

IoResult Stream::TrySpliceInto(int pipe, std::size_t size) {
  const ssize_t got = ::splice(
      socket_.native_handle(), nullptr, pipe, nullptr, size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (got > 0) {
    return {IoStatus::kOk, static_cast<std::size_t>(got)};
  }
  if (got == 0) {
    return {IoStatus::kEof, 0};
  }
  if (errno == EINVAL || errno == ENOSYS) {
    return {IoStatus::kUnsupported, 0};
  }
  blocked_on_ = IoDirection::kRead;
  return FromErrno();
}

IoResult Stream::TrySpliceFrom(int pipe, std::size_t size, bool more) {
  const unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | (more ? SPLICE_F_MORE : 0U);
  const ssize_t put = ::splice(pipe, nullptr, socket_.native_handle(), nullptr, size, flags);
  if (put >= 0) {
    return {IoStatus::kOk, static_cast<std::size_t>(put)};
  }
  blocked_on_ = IoDirection::kWrite;
  return FromErrno();
}

Task<Result<std::size_t>> Stream::Receive(char* data,
                                          std::size_t size,
                                          std::chrono::milliseconds timeout) {
  if (ssl_ != nullptr) {
    Result<Done> readable = co_await WaitReadable(timeout);
    if (!readable) {
      co_return std::move(readable).error();
    }
    co_return co_await Read(data, size, timeout);
  }
  timed_out_ = false;
  cancelled_ = false;
  timers_.Arm(*this, timeout);
  const auto [error, got] =
      co_await socket_.async_receive(asio::buffer(data, size), asio::as_tuple(kUseTask));
  Timers::Disarm(*this);
  if (got > 0 || error == asio::error::eof) {
    co_return got;
  }
  if (timed_out_) {
    co_return MakeError(
        ErrorCode::kDeadlineExceeded, ErrorOrigin::kUpstream, "no progress in time");
  }
  co_return Unavailable(cancelled_ ? "the wait was cancelled" : "the connection failed");
}

Task<Result<std::size_t>> Stream::Read(char* data,
                                       std::size_t size,
                                       std::chrono::milliseconds timeout) {
  while (true) {
    const IoResult got = TryRead(data, size);
    if (got.status == IoStatus::kOk || got.status == IoStatus::kEof) {
      co_return got.bytes;
    }
    if (got.status == IoStatus::kError) {
      co_return Unavailable("the connection was cut");
    }
    Result<Done> waited = co_await WaitBlocked(timeout);
    if (!waited) {
      co_return std::move(waited).error();
    }
  }
}

Task<Result<Done>> Stream::WriteAll(std::string_view data, std::chrono::milliseconds timeout) {
  const auto give_up_at = timers_.Now() + timeout;
  while (!data.empty()) {
    const IoResult put = TryWrite(data);
    if (put.status == IoStatus::kOk) {
      data.remove_prefix(put.bytes);
      continue;
    }
    if (put.status != IoStatus::kWouldBlock) {
      co_return Unavailable("the connection was cut");
    }
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(give_up_at - timers_.Now());
    if (left.count() <= 0) {
      co_return MakeError(
          ErrorCode::kDeadlineExceeded, ErrorOrigin::kUpstream, "no progress in time");
    }
    Result<Done> waited = co_await WaitBlocked(left);
    if (!waited) {
      co_return std::move(waited).error();
    }
  }
  co_return Done{};
}

void Stream::WatchReadable(std::function<void()> on_readable) {
  if (!alive_) {
    alive_ = std::make_shared<bool>(true);
  }
  socket_.async_wait(Socket::wait_read,
                     [this, alive = alive_, action = std::move(on_readable)](
                         const boost::system::error_code& error) mutable {
                       if (!*alive || error == asio::error::operation_aborted) {
                         return;
                       }
                       if (ssl_ != nullptr && !error && !HasApplicationData()) {
                         WatchReadable(std::move(action));  // A session ticket or the like.
                         return;
                       }
                       action();
                     });
}

void Stream::Close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void Stream::Reset() {
  boost::system::error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
}

void Stream::ShutdownSend() {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    SSL_shutdown(ssl_);
    ERR_clear_error();
  }
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void Stream::ShutdownBoth() {
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_both, ignored);
}

bool Stream::HasInputOrEnd() {
  if (ssl_ != nullptr) {
    return HasApplicationData();  // Also what came in one record with the last answer.
  }
  char byte = 0;
  const ssize_t got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

std::string Stream::RemoteAddress() const {
  boost::system::error_code error;
  const auto endpoint = socket_.remote_endpoint(error);
  if (error) {
    return {};
  }
  const std::string address = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

}  // namespace connector::dataplane::net
