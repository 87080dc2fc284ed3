#include "dataplane/server/session.h"

#include "common/base/keyed_version.h"
#include "common/http/fields.h"
#include "dataplane/server/ask_again.h"
#include "dataplane/server/request_context.h"
#include "dataplane/server/serve.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
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

class ClientSession final : public SessionEntry {
 public:
  ClientSession(Worker& worker,
                Sessions& sessions,
                net::Socket socket,
                connections::ClientAddress address)
      : SessionEntry(sessions.table(), address),
        worker_(worker),
        address_(address),
        stream_(std::move(socket), worker.timers),
        client_{.stream = stream_, .address = stream_.RemoteAddress(), .source = address} {}
  ~ClientSession() override {
    if (alive_ != nullptr) {
      *alive_ = nullptr;
    }
    worker_.shared.budgets.connections.GiveBack(address_);
  }
  ClientSession(const ClientSession&) = delete;
  ClientSession& operator=(const ClientSession&) = delete;

  Task<void> Run(SessionTls tls);

  void Close() override { stream_.Close(); }
  void CloseIfIdle() override {
    if (idle_) {
      stream_.CancelWait();
    }
  }
  void AskAgain() override;

 private:
  using GrantPtr = std::shared_ptr<const token::Grant>;

  // `session` is null once it ended. Takes copies: the request may end while the broker is asked.
  static Task<void> EndIfDenied(Worker& worker,
                                std::shared_ptr<ClientSession*> session,
                                GrantPtr grant,
                                std::string cache_key,
                                token::GrantRequest grant_request);
  void EndDenied(const GrantPtr& grant);

  enum class HeadRead : std::uint8_t { kComplete, kClosed, kRefused };

  // What it holds while a request is under way, and gives back before it waits for the client.
  struct Holdings {
    net::PooledBuffer buffer;
    PooledScratch scratch;
  };

  void GiveWay() override {
    gives_way_ = true;
    stream_.ShutdownBoth();
  }

  // Waits for a request's first bytes: a short while with a buffer, which is what a busy connection
  // needs, then without one, so that an idle connection holds none.
  Task<bool> WaitIdle(net::PooledBuffer& buffer);
  Task<HeadRead> ReadHead(Holdings& holdings);
  Task<HeadRead> RefuseHead(oci::ErrorReply reply, Scratch& scratch);
  Task<HeadRead> AnswerFailure(http::HeadFailure failure, Holdings& holdings);
  Task<void> Linger();

  Worker& worker_;
  const connections::ClientAddress address_;
  net::Stream stream_;
  ClientConnection client_;
  std::string leftover_;
  std::size_t head_bytes_ = 0;
  std::size_t end_ = 0;
  bool idle_ = false;
  bool gives_way_ = false;
  std::shared_ptr<ClientSession*> alive_;  // Made when it is needed first.
};

void ClientSession::AskAgain() {
  const RequestContext* const request = client_.request;
  if (request == nullptr || request->record.grant == nullptr ||
      SameVersion(request->record.grant->deny_list, worker_.routes->deny_list)) {
    return;
  }
  if (alive_ == nullptr) {
    alive_ = std::make_shared<ClientSession*>(this);
  }
  asio::co_spawn(
      worker_.io,
      EndIfDenied(
          worker_, alive_, request->record.grant, request->cache_key, request->grant_request),
      asio::detached);
}

Task<void> ClientSession::EndIfDenied(Worker& worker,
                                      std::shared_ptr<ClientSession*> session,
                                      GrantPtr grant,
                                      std::string cache_key,
                                      token::GrantRequest grant_request) {
  try {
    const bool denied =
        co_await IsDeniedByOperator(worker, std::move(cache_key), std::move(grant_request));
    if (denied && *session != nullptr) {
      (*session)->EndDenied(grant);
    }
  } catch (const std::exception& failure) {
    worker.shared.logger.Error("a question about a request under way ended by an exception",
                               {{"what", failure.what()}});
  }
}

// Reset, so that no client takes what came so far for the whole.
void ClientSession::EndDenied(const GrantPtr& grant) {
  if (client_.request == nullptr || client_.request->record.grant != grant) {
    return;  // Another request of the connection was asked about by itself.
  }
  worker_.shared.logger.Warning(
      "a request under way was ended: the deny list names its caller",
      {{"request_id", client_.request->request_id}, {"subject", grant->subject}});
  stream_.Reset();
}

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
  idle_ = true;
  const Result<std::size_t> got =
      co_await stream_.Receive(buffer.data(), net::kBufferBytes, kBusyTime);
  bool readable = got && *got > 0;
  if (readable) {
    end_ = *got;
  } else if (!got && got.error().code == ErrorCode::kDeadlineExceeded && !worker_.draining) {
    buffer.Reset();
    client_.subject.reset();
    const Result<Done> waited =
        co_await stream_.WaitReadable(worker_.shared.settings.keepalive_timeout);
    readable = waited.has_value();
  }
  idle_ = false;
  co_return readable;
}

Task<ClientSession::HeadRead> ClientSession::ReadHead(Holdings& holdings) {
  const char* const begin = holdings.buffer.data();
  const auto give_up_at = worker_.timers.Now() + worker_.shared.settings.head_timeout;
  while (true) {
    if (!holdings.scratch) {
      holdings.scratch = worker_.scratches.Take();
    }
    Scratch& scratch = *holdings.scratch;
    // Before the head is looked at: a large one costs memory whoever sends it.
    if (end_ > kSmallHeadBytes &&
        !client_.large_head.Take(worker_.shared.budgets.large_heads, address_)) {
      co_return co_await RefuseHead(oci::ReplyFor(oci::ErrorKind::kOverloaded), scratch);
    }
    const http::HeadResult parsed = http::ParseRequestHead({begin, end_}, scratch.request);
    if (parsed.status == http::HeadStatus::kComplete) {
      head_bytes_ = parsed.consumed_bytes;
      co_return gives_way_ ? HeadRead::kClosed : HeadRead::kComplete;
    }
    if (parsed.status == http::HeadStatus::kError) {
      co_return co_await AnswerFailure(parsed.error, holdings);
    }
    // The whole head has one deadline: a byte now and then does not keep a connection.
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(give_up_at - worker_.timers.Now());
    if (left.count() <= 0) {
      co_return HeadRead::kClosed;
    }
    holdings.scratch.reset();  // Larger than the start of a head.
    const Result<std::size_t> got =
        co_await stream_.Read(holdings.buffer.data() + end_, net::kBufferBytes - end_, left);
    if (!got || *got == 0) {
      co_return HeadRead::kClosed;
    }
    end_ += *got;
  }
}

Task<ClientSession::HeadRead> ClientSession::RefuseHead(oci::ErrorReply reply, Scratch& scratch) {
  std::string& out = scratch.out;
  out.clear();
  oci::AppendErrorReply(out, reply, {.keep_alive = false, .request_id = {}});
  const Result<Done> written = co_await stream_.WriteAll(out, worker_.shared.settings.head_timeout);
  co_return written ? HeadRead::kRefused : HeadRead::kClosed;
}

Task<ClientSession::HeadRead> ClientSession::AnswerFailure(http::HeadFailure failure,
                                                           Holdings& holdings) {
  if (failure.reason == http::HeadError::kTlsHandshake) {
    worker_.counters.tls_on_plain_port.Add();
  } else {
    worker_.counters.malformed_requests.Add();
    worker_.shared.logger.Info("malformed request",
                               {{"client", client_.address}, {"reason", failure.sentence}});
  }
  oci::ErrorReply reply = ReplyFor(failure, {holdings.buffer.data(), end_});
  return RefuseHead(std::move(reply), *holdings.scratch);
}

// A close while the client still sends would reset the connection and with it our answer. So: say
// that nothing follows, then read on for a bounded time. Whoever waits here holds no buffer, and
// there is room for few; all others are closed at once.
Task<void> ClientSession::Linger() {
  AddressShare share;
  if (!share.Take(worker_.shared.budgets.lingering, address_)) {
    worker_.counters.lingering_refused.Add();
    co_return;
  }
  stream_.ShutdownSend();
  const auto give_up_at = worker_.timers.Now() + kLingerTime;
  std::uint64_t discarded = 0;
  while (discarded < kLingerBytes) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(give_up_at - worker_.timers.Now());
    if (left.count() <= 0) {
      co_return;
    }
    // All who linger share it: nobody looks at what is in it.
    const Result<std::size_t> got =
        co_await stream_.Read(worker_.discarded.data(), worker_.discarded.size(), left);
    if (!got || *got == 0) {
      co_return;
    }
    discarded += *got;
  }
}

Task<void> ClientSession::Run(SessionTls tls) {
  if (tls.context != nullptr) {
    const Result<Done> secured = co_await stream_.AcceptTls(
        tls.context.get(), tls.names, worker_.shared.settings.head_timeout);
    if (!secured) {
      worker_.shared.logger.Debug(
          "TLS handshake with a client failed",
          {{"client", client_.address}, {"reason", secured.error().message}});
      co_return;
    }
  }
  while (true) {
    ConnectionAction action;
    {
      Holdings holdings{.buffer = worker_.buffers.Take(), .scratch = {}};
      if (!co_await WaitIdle(holdings.buffer)) {
        co_return;
      }
      if (!holdings.buffer) {
        holdings.buffer = worker_.buffers.Take();
      }
      const HeadRead read = co_await ReadHead(holdings);
      if (read == HeadRead::kClosed) {
        co_return;
      }
      action.drain_input = read == HeadRead::kRefused;
      if (read == HeadRead::kComplete) {
        SetWaiting(false);
        const std::string_view rest(holdings.buffer.data() + head_bytes_, end_ - head_bytes_);
        action = co_await Serve(worker_, client_, *holdings.scratch, rest);
        SetWaiting(true);
      }
    }
    client_.large_head.GiveBack();
    if (action.reset) {
      stream_.Reset();
      co_return;
    }
    if (action.drain_input) {
      co_await Linger();
    }
    if (!action.keep_alive || gives_way_) {
      co_return;
    }
    leftover_ = std::move(action.leftover);
  }
}

}  // namespace

Task<void> RunSession(Worker& worker,
                      Sessions& sessions,
                      net::Socket socket,
                      connections::ClientAddress address,
                      SessionTls tls) {
  ClientSession session(worker, sessions, std::move(socket), address);
  try {
    co_await session.Run(std::move(tls));
  } catch (const std::exception& failure) {
    worker.shared.logger.Error("a request ended by an exception", {{"what", failure.what()}});
  }
}

}  // namespace connector::dataplane::server
