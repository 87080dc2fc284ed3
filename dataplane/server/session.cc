#include "dataplane/server/session.h"

#include "common/http/fields.h"
#include "dataplane/server/serve.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

namespace connector::dataplane::server {
namespace {

constexpr std::chrono::milliseconds kBusyTime{250};
constexpr std::chrono::seconds kLingerTime{10};
constexpr std::uint64_t kLingerBytes = 1024ULL * 1024 * 1024;

// Whether what made the head too large is the caller's token: its field is the one that does not
// end.
bool EndsInCredential(std::string_view head) {
  constexpr std::string_view kField = "authorization:";
  const std::size_t line = head.rfind('\n') + 1;  // npos + 1 is 0.
  return http::EqualsIgnoreCase(head.substr(line, kField.size()), kField);
}

oci::ErrorReply ReplyFor(const http::HeadFailure& failure, std::string_view head) {
  // A token that is too long to read is a token that is not accepted, and is told nothing else.
  if (failure.reason == http::HeadError::kHeadTooLarge && EndsInCredential(head)) {
    return oci::ReplyFor(oci::ErrorKind::kUnauthenticated);
  }
  return oci::ReplyFor(failure);
}

class ClientSession {
 public:
  ClientSession(Worker& worker, Sessions& sessions, net::Socket socket)
      : worker_(worker),
        sessions_(sessions),
        stream_(std::move(socket), worker.timers),
        client_{.stream = stream_, .address = stream_.RemoteAddress()} {
    sessions_.Add(&stream_);
  }
  ~ClientSession() {
    sessions_.Remove(&stream_);
    worker_.shared.connections.fetch_sub(1, std::memory_order_relaxed);
  }
  ClientSession(const ClientSession&) = delete;
  ClientSession& operator=(const ClientSession&) = delete;

  Task<void> Run(net::TlsContext tls);

 private:
  enum class HeadRead : std::uint8_t { kComplete, kClosed, kRefused };

  // Waits for a request's first bytes: a short while with a buffer, which is what a busy connection
  // needs, then without one, so that an idle connection holds none.
  Task<bool> WaitIdle(net::PooledBuffer& buffer);
  Task<HeadRead> ReadHead(net::PooledBuffer& buffer, Scratch& scratch);
  Task<void> AnswerFailure(http::HeadFailure failure, std::string_view head, Scratch& scratch);
  Task<void> DrainInput();

  Worker& worker_;
  Sessions& sessions_;
  net::Stream stream_;
  ClientConnection client_;
  std::string leftover_;
  std::size_t head_bytes_ = 0;
  std::size_t end_ = 0;
};

Task<bool> ClientSession::WaitIdle(net::PooledBuffer& buffer) {
  end_ = std::min(leftover_.size(), net::kBufferBytes);
  std::memcpy(buffer.data(), leftover_.data(), end_);
  leftover_.clear();
  if (end_ > 0) {
    co_return true;
  }
  if (worker_.draining) {
    co_return false;
  }
  sessions_.SetIdle(&stream_, true);
  const Result<std::size_t> got =
      co_await stream_.Receive(buffer.data(), net::kBufferBytes, kBusyTime);
  bool readable = got && *got > 0;
  if (readable) {
    end_ = *got;
  } else if (!got && got.error().code == ErrorCode::kDeadlineExceeded && !worker_.draining) {
    buffer.Reset();
    const Result<Done> waited =
        co_await stream_.WaitReadable(worker_.shared.settings.keepalive_timeout);
    readable = waited.has_value();
  }
  sessions_.SetIdle(&stream_, false);
  co_return readable;
}

Task<ClientSession::HeadRead> ClientSession::ReadHead(net::PooledBuffer& buffer, Scratch& scratch) {
  const auto give_up_at = worker_.timers.Now() + worker_.shared.settings.head_timeout;
  while (true) {
    const http::HeadResult parsed = http::ParseRequestHead({buffer.data(), end_}, scratch.request);
    if (parsed.status == http::HeadStatus::kComplete) {
      head_bytes_ = parsed.consumed_bytes;
      co_return HeadRead::kComplete;
    }
    if (parsed.status == http::HeadStatus::kError) {
      co_await AnswerFailure(parsed.error, {buffer.data(), end_}, scratch);
      co_return HeadRead::kRefused;
    }
    // The whole head has one deadline: a byte now and then does not keep a connection.
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(give_up_at - worker_.timers.Now());
    if (left.count() <= 0) {
      co_return HeadRead::kClosed;
    }
    const Result<std::size_t> got =
        co_await stream_.Read(buffer.data() + end_, net::kBufferBytes - end_, left);
    if (!got || *got == 0) {
      co_return HeadRead::kClosed;
    }
    end_ += *got;
  }
}

// `head` is what was read of it.
Task<void> ClientSession::AnswerFailure(http::HeadFailure failure,
                                        std::string_view head,
                                        Scratch& scratch) {
  std::string& out = scratch.out;
  out.clear();
  if (failure.reason == http::HeadError::kTlsHandshake) {
    worker_.counters.tls_on_plain_port.Add();
  } else {
    worker_.counters.malformed_requests.Add();
    worker_.shared.logger.Info("malformed request",
                               {{"client", client_.address}, {"reason", failure.sentence}});
  }
  oci::AppendErrorReply(out, ReplyFor(failure, head), {.keep_alive = false, .request_id = {}});
  const Result<Done> written = co_await stream_.WriteAll(out, worker_.shared.settings.head_timeout);
  if (written) {
    co_await DrainInput();
  }
}

// A close while the client still sends would reset the connection and with it our answer. So: say
// that nothing follows, then read on for a bounded time.
Task<void> ClientSession::DrainInput() {
  stream_.ShutdownSend();
  const auto give_up_at = worker_.timers.Now() + kLingerTime;
  const net::PooledBuffer buffer = worker_.buffers.Take();
  std::uint64_t discarded = 0;
  while (discarded < kLingerBytes) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(give_up_at - worker_.timers.Now());
    if (left.count() <= 0) {
      co_return;
    }
    const Result<std::size_t> got = co_await stream_.Read(buffer.data(), net::kBufferBytes, left);
    if (!got || *got == 0) {
      co_return;
    }
    discarded += *got;
  }
}

Task<void> ClientSession::Run(net::TlsContext tls) {
  if (tls != nullptr) {
    const Result<Done> secured =
        co_await stream_.AcceptTls(tls.get(), worker_.shared.settings.head_timeout);
    if (!secured) {
      worker_.shared.logger.Debug(
          "TLS handshake with a client failed",
          {{"client", client_.address}, {"reason", secured.error().message}});
      co_return;
    }
  }
  while (true) {
    net::PooledBuffer buffer = worker_.buffers.Take();
    if (!co_await WaitIdle(buffer)) {
      co_return;
    }
    if (!buffer) {
      buffer = worker_.buffers.Take();
    }
    const PooledScratch scratch = worker_.scratches.Take();
    const HeadRead read = co_await ReadHead(buffer, *scratch);
    if (read != HeadRead::kComplete) {
      co_return;
    }
    ConnectionAction action = co_await Serve(
        worker_, client_, *scratch, {buffer.data() + head_bytes_, end_ - head_bytes_});
    if (action.reset) {
      stream_.Reset();
      co_return;
    }
    if (action.drain_input) {
      co_await DrainInput();
    }
    if (!action.keep_alive) {
      co_return;
    }
    leftover_ = std::move(action.leftover);
  }
}

}  // namespace

Task<void> RunSession(Worker& worker, Sessions& sessions, net::Socket socket, net::TlsContext tls) {
  ClientSession session(worker, sessions, std::move(socket));
  try {
    co_await session.Run(std::move(tls));
  } catch (const std::exception& failure) {
    worker.shared.logger.Error("a request ended by an exception", {{"what", failure.what()}});
  }
}

}  // namespace connector::dataplane::server
