#include "dataplane/server/session.h"

#include "common/http/fields.h"
#include "dataplane/server/exchange.h"

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
    return oci::ReplyFor(oci::Situation::kUnauthenticated);
  }
  return oci::ReplyFor(failure);
}

class Session {
 public:
  Session(Core& core, Sessions& sessions, net::Socket socket)
      : core_(core),
        sessions_(sessions),
        stream_(std::move(socket), core.timers),
        client_{.stream = stream_, .address = stream_.RemoteAddress()} {
    sessions_.Add(&stream_);
  }
  ~Session() {
    sessions_.Remove(&stream_);
    core_.shared.connections.fetch_sub(1, std::memory_order_relaxed);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Task<void> Run(net::TlsContext tls);

 private:
  enum class HeadRead : std::uint8_t { kComplete, kClosed, kRefused };

  // Waits for a request's first bytes: a short while with a buffer, which is what a busy connection
  // needs, then without one, so that an idle connection holds none.
  Task<bool> WaitIdle(net::BufferPool::Lease& buffer);
  Task<HeadRead> ReadHead(net::BufferPool::Lease& buffer, Scratch& scratch);
  Task<void> AnswerFailure(http::HeadFailure failure, std::string_view head, Scratch& scratch);
  Task<void> DrainInput();

  Core& core_;
  Sessions& sessions_;
  net::Stream stream_;
  Client client_;
  std::string leftover_;
  std::size_t head_bytes_ = 0;
  std::size_t end_ = 0;
};

Task<bool> Session::WaitIdle(net::BufferPool::Lease& buffer) {
  end_ = std::min(leftover_.size(), net::kBufferBytes);
  std::memcpy(buffer.data(), leftover_.data(), end_);
  leftover_.clear();
  if (end_ > 0) {
    co_return true;
  }
  if (core_.draining) {
    co_return false;
  }
  sessions_.SetIdle(&stream_, true);
  const Result<std::size_t> got =
      co_await stream_.Receive(buffer.data(), net::kBufferBytes, kBusyTime);
  bool readable = got && *got > 0;
  if (readable) {
    end_ = *got;
  } else if (!got && got.error().code == ErrorCode::kDeadlineExceeded && !core_.draining) {
    buffer.Reset();
    const Result<Done> waited =
        co_await stream_.WaitReadable(core_.shared.settings.keepalive_timeout);
    readable = waited.has_value();
  }
  sessions_.SetIdle(&stream_, false);
  co_return readable;
}

Task<Session::HeadRead> Session::ReadHead(net::BufferPool::Lease& buffer, Scratch& scratch) {
  const auto give_up_at = core_.timers.Now() + core_.shared.settings.head_timeout;
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
        std::chrono::duration_cast<std::chrono::milliseconds>(give_up_at - core_.timers.Now());
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
Task<void> Session::AnswerFailure(http::HeadFailure failure,
                                  std::string_view head,
                                  Scratch& scratch) {
  std::string& out = scratch.out;
  out.clear();
  if (failure.reason == http::HeadError::kTlsHandshake) {
    core_.counters.tls_on_plain_port.Add();
  } else {
    core_.counters.malformed_requests.Add();
    core_.shared.logger.Info("malformed request",
                             {{"client", client_.address}, {"reason", failure.sentence}});
  }
  oci::AppendErrorReply(out, ReplyFor(failure, head), {.keep_alive = false, .request_id = {}});
  const Result<Done> written = co_await stream_.WriteAll(out, core_.shared.settings.head_timeout);
  if (written) {
    co_await DrainInput();
  }
}

// A close while the client still sends would reset the connection and with it our answer. So: say
// that nothing follows, then read on for a bounded time.
Task<void> Session::DrainInput() {
  stream_.ShutdownSend();
  const auto give_up_at = core_.timers.Now() + kLingerTime;
  const net::BufferPool::Lease buffer = core_.buffers.Take();
  std::uint64_t discarded = 0;
  while (discarded < kLingerBytes) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(give_up_at - core_.timers.Now());
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

Task<void> Session::Run(net::TlsContext tls) {
  if (tls != nullptr) {
    const Result<Done> secured =
        co_await stream_.AcceptTls(tls.get(), core_.shared.settings.head_timeout);
    if (!secured) {
      core_.shared.logger.Debug("TLS handshake with a client failed",
                                {{"client", client_.address}, {"reason", secured.error().message}});
      co_return;
    }
  }
  while (true) {
    net::BufferPool::Lease buffer = core_.buffers.Take();
    if (!co_await WaitIdle(buffer)) {
      co_return;
    }
    if (!buffer) {
      buffer = core_.buffers.Take();
    }
    const ScratchPool::Lease scratch = core_.scratches.Take();
    const HeadRead read = co_await ReadHead(buffer, *scratch);
    if (read != HeadRead::kComplete) {
      co_return;
    }
    After after =
        co_await Serve(core_, client_, *scratch, {buffer.data() + head_bytes_, end_ - head_bytes_});
    if (after.reset) {
      stream_.Reset();
      co_return;
    }
    if (after.drain_input) {
      co_await DrainInput();
    }
    if (!after.keep_alive) {
      co_return;
    }
    leftover_ = std::move(after.leftover);
  }
}

}  // namespace

Task<void> RunSession(Core& core, Sessions& sessions, net::Socket socket, net::TlsContext tls) {
  Session session(core, sessions, std::move(socket));
  try {
    co_await session.Run(std::move(tls));
  } catch (const std::exception& failure) {
    core.shared.logger.Error("a request ended by an exception", {{"what", failure.what()}});
  }
}

}  // namespace connector::dataplane::server
