#include "dataplane/server/upstream_call.h"

#include "dataplane/oci/upstream_answer.h"
#include "dataplane/relay/relay.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace connector::dataplane::server {
namespace {

using oci::ErrorKind;
using oci::ErrorReply;

// A length that is announced is checked with the head; a chunked body is counted as it comes.
std::uint64_t MaxBody(const addressing::Operation& operation) {
  return operation.kind == addressing::OperationKind::kManifest ? oci::kMaxManifestBytes
                                                                : UINT64_MAX;
}

// What is kept of bodies that are not manifests: a small chunk of an upload.
constexpr std::uint64_t kMaxKeptChunk = 64ULL * 1024;

RequestDecision DecisionOf(relay::RelayEnd end) {
  return end == relay::RelayEnd::kSourceTimeout ? RequestDecision::kClientSilent
                                                : RequestDecision::kClientGone;
}

}  // namespace

// Notices an early answer while a body is being sent. Shared with a handler that may run after the
// call is over, when it must do nothing.
struct UpstreamCall::EarlyAnswer : std::enable_shared_from_this<EarlyAnswer> {
  bool seen = false;
  UpstreamCall* call = nullptr;

  void Watch() {
    call->stream_->WatchReadable([self = shared_from_this()] { self->OnReadable(); });
  }
  void OnReadable() {
    if (call == nullptr) {
      return;
    }
    if (call->AnswerBegins()) {
      seen = true;
      call->context_.client.stream.CancelWait();
      call->stream_->CancelWait();
    } else {
      Watch();
    }
  }
  void Forget() { call = nullptr; }
};

UpstreamCall::UpstreamCall(const Authorized& authorized, UpstreamTarget target)
    : authorized_(authorized), context_(authorized.context()), target_(std::move(target)) {
  key_ = {authorized.route().ref,
          target_.origin,
          authorized.route().profile,
          target_.allow_private_address};
}

UpstreamCall::~UpstreamCall() = default;

bool UpstreamCall::has_body() const {
  const http::RequestHead& head = context_.scratch.request;
  return target_.method == head.method && authorized_.request().CarriesBody();
}

oci::Framing UpstreamCall::BodyFraming() const {
  if (!has_body()) {
    return {};
  }
  if (context_.body_consumed && context_.kept_body != nullptr) {
    return {http::BodyFraming::kContentLength, context_.kept_body->bytes().size()};
  }
  return {context_.scratch.request.framing, context_.scratch.request.content_length};
}

void UpstreamCall::KeepBody() {
  const bool manifest = authorized_.operation().kind == addressing::OperationKind::kManifest;
  const std::uint64_t most = manifest ? oci::kMaxManifestBytes : kMaxKeptChunk;
  if (context_.scratch.request.content_length <= most) {
    context_.kept_body = std::make_unique<relay::KeptBody>(
        context_.worker.shared.budgets.kept_bodies, authorized_.grant().subject, most);
  }
}

ErrorReply UpstreamCall::Failure(const Error& error) {
  Worker& worker = context_.worker;
  worker.shared.logger.Warning("upstream failed",
                               {{"request_id", context_.request_id},
                                {"connector", authorized_.route().ref.ToString()},
                                {"reason", error.message}});
  authorized_.NoteError(error.message);
  const ErrorKind kind = oci::KindOfFailure(error.code);
  // Whether a port is closed, filtered, or at an address that policy refuses is for our log alone:
  // whoever writes Connectors would scan networks with it.
  return error.code == ErrorCode::kNotFound
             ? oci::ReplyFor(kind,
                             oci::NoConnectionSentence(target_.origin.Authority(), target_.hop))
             : oci::ReplyFor(kind, oci::FailureSentence(error.message));
}

Task<Result<Done>> UpstreamCall::Open(bool fresh) {
  Worker& worker = context_.worker;
  reused_ = false;
  answer_begun_ = false;
  body_begin_ = 0;
  body_end_ = 0;
  if (!fresh) {
    stream_ = worker.pool.TakeIdle(key_);
    reused_ = stream_ != nullptr;
  }
  if (stream_ != nullptr) {
    co_return Done{};
  }
  worker.counters.upstream_connects.Add();
  // Named first: GCC 12 copies the bytes of an aggregate that is built inside a co_await.
  upstream::DialTarget endpoint{.origin = target_.origin,
                                .tls = target_.origin.tls ? authorized_.route().tls : nullptr,
                                .allow_private_address = target_.allow_private_address,
                                .policy = authorized_.route().upstream_policy,
                                .destination = target_.origin == authorized_.route().origin
                                                   ? routing::Destination::kRegistry
                                                   : routing::Destination::kRedirect,
                                .connect_timeout = authorized_.route().limits.connect_timeout};
  Result<std::unique_ptr<net::Stream>> opened =
      co_await worker.pool.Open(key_, std::move(endpoint));
  if (!opened) {
    co_return std::move(opened).error();
  }
  stream_ = *std::move(opened);
  co_return Done{};
}

void UpstreamCall::ComposeHead() {
  const http::RequestHead& head = context_.scratch.request;
  std::string& out = context_.scratch.out;
  out.clear();
  // Both, so that one wrong decision alone sends no credential to a foreign host (promise P5).
  const bool credential = target_.send_credential && target_.hop == oci::HopKind::kRegistry;
  oci::AppendUpstreamRequestHead(
      out,
      {.client = head,
       .method = target_.method,
       .target = target_.target,
       .authority = target_.origin.Authority(),
       .framing = BodyFraming(),
       .hop = target_.hop,
       .range_override = target_.range_override,
       .authorization_line =
           credential ? authorized_.grant().authorization_line.Reveal() : std::string_view(),
       .cookies = target_.cookies});
}

Task<CallResult> UpstreamCall::Run() {
  bool fresh = false;
  while (true) {
    const Result<Done> opened = co_await Open(fresh);
    if (!opened) {
      co_return CallResult{Failure(opened.error()), false};
    }
    ComposeHead();
    Stop stop = co_await Send();
    // The head has the credential in it, and the answer is composed in the same text.
    OPENSSL_cleanse(context_.scratch.out.data(), context_.scratch.out.size());
    if (!stop.stopped()) {
      const Result<Done> read = co_await ReadHead();
      if (!read) {
        stop.upstream = read.error();
      }
    }
    if (!stop.upstream) {
      context_.record.answered = std::chrono::steady_clock::now();
      co_return std::move(stop.client);
    }
    const bool unanswered = reused_ && !answer_begun_;
    if (!oci::MayRepeat({.reused = reused_,
                         .answer_begun = answer_begun_,
                         .body_is_gone = authorized_.request().BodyIsGone(),
                         .appends = has_body() && target_.method == http::Method::kPatch})) {
      ErrorReply failure = Failure(*stop.upstream);
      if (unanswered && has_body()) {
        failure = oci::ReplyFor(ErrorKind::kSendAgain);
      }
      co_return CallResult{std::move(failure), false};
    }
    context_.worker.counters.upstream_retries.Add();
    stream_.reset();
    fresh = true;
  }
}

Task<UpstreamCall::Stop> UpstreamCall::Send() {
  if (has_body()) {
    co_return co_await SendWithBody();
  }
  const Result<Done> written =
      co_await stream_->WriteAll(context_.scratch.out, authorized_.route().limits.idle_timeout);
  co_return written ? Stop{} : Stop{.upstream = written.error()};
}

Task<UpstreamCall::Stop> UpstreamCall::SendWithBody() {
  const http::RequestHead& head = context_.scratch.request;
  const auto client_timeout = context_.worker.shared.settings.idle_timeout;
  net::Stream& client = context_.client.stream;
  // Only now: a request that is refused must not have its body invited (docs/rules.md "Client
  // framing"). A client that sends without waiting needs no invitation.
  if (head.expect_continue && !context_.body_begun && context_.buffered.empty()) {
    const Result<Done> invited =
        co_await client.WriteAll("HTTP/1.1 100 Continue\r\n\r\n", client_timeout);
    if (!invited) {
      co_return Stop{.client = {std::nullopt, true}};
    }
  }
  const bool again = std::exchange(context_.body_begun, true);
  const oci::Framing framing = BodyFraming();
  if (!again) {
    KeepBody();
    if (framing.kind == http::BodyFraming::kContentLength) {
      context_.leftover = context_.buffered.substr(
          std::min<std::uint64_t>(framing.content_length, context_.buffered.size()));
    }
  }
  relay::KeptBody* const kept = context_.kept_body.get();
  // Registries refuse a push before they have read it. Who goes on sending into a connection that
  // is being closed gets a reset, and loses the answer that says why.
  const auto early = std::make_shared<EarlyAnswer>();
  early->call = this;
  early->Watch();
  const relay::RelayJob job{.from = client,
                            .to = *stream_,
                            .in = framing.kind,
                            .length = framing.content_length,
                            .max_payload = MaxBody(authorized_.operation()),
                            .chunk_output = framing.kind == http::BodyFraming::kChunked,
                            .head = context_.scratch.out,
                            .buffered = again ? kept->bytes() : context_.buffered,
                            .buffers = context_.worker.buffers,
                            .source_timeout = client_timeout,
                            .sink_timeout = authorized_.route().limits.idle_timeout,
                            .min_source_rate = context_.worker.shared.settings.min_client_rate,
                            .interrupted = &early->seen,
                            .keep = again ? nullptr : kept};
  relay::RelayResult outcome = co_await relay::Relay(job);
  early->Forget();
  // Of what the client sent, however often it went on from here.
  context_.record.bytes_up = std::max(context_.record.bytes_up, outcome.payload_bytes);
  context_.buffered = {};
  if (again && !context_.body_consumed) {
    kept->LetGo();  // The rest that was read now is not in it.
  }
  switch (outcome.end) {
    case relay::RelayEnd::kDone:
      context_.body_consumed = true;
      if (!outcome.leftover.empty()) {
        context_.leftover = std::move(outcome.leftover);
      }
      co_return Stop{};
    case relay::RelayEnd::kInterrupted:
    case relay::RelayEnd::kSinkCut:
      // The registry has answered, or gave up; either way an answer may be there to read.
      body_cut_short_ = true;
      co_return Stop{};
    case relay::RelayEnd::kSinkTimeout:
      co_return Stop{.upstream =
                         MakeError(ErrorCode::kDeadlineExceeded,
                                   ErrorOrigin::kUpstream,
                                   target_.origin.Authority() + ": the upload made no progress")};
    case relay::RelayEnd::kSourceMalformed:
      co_return Stop{
          .client = {oci::ReplyFor(ErrorKind::kBadRequest, "The chunked body is malformed."),
                     false}};
    case relay::RelayEnd::kTooLarge:
      co_return Stop{.client = {oci::ReplyFor(ErrorKind::kManifestTooLarge), false}};
    case relay::RelayEnd::kSourceCut:
    case relay::RelayEnd::kSourceTimeout:
      break;
  }
  context_.record.decision = DecisionOf(outcome.end);
  co_return Stop{.client = {std::nullopt, true}};
}

// Reads over informational answers in what is there.
http::HeadResult UpstreamCall::ParseHead() {
  http::ResponseHead& head = context_.scratch.response;
  while (true) {
    const http::HeadResult parsed = http::ParseResponseHead(buffered(), target_.method, head);
    if (parsed.status != http::HeadStatus::kComplete) {
      return parsed;
    }
    body_begin_ += parsed.consumed_bytes;
    if (!head.informational()) {
      return parsed;
    }
  }
}

// While the body is being sent: takes what the registry has sent so far. An informational answer,
// asked for or not, must not end the upload, and neither may the first bytes of any answer.
bool UpstreamCall::AnswerBegins() {
  if (!buffer_) {
    buffer_ = context_.worker.buffers.Take();
  }
  net::IoResult got;
  do {  // Until nothing is left, in TLS's own buffer either: the wait would not see that.
    got = stream_->TryRead(buffer_.data() + body_end_, net::kBufferBytes - body_end_);
    body_end_ += got.bytes;
    if (body_end_ == net::kBufferBytes) {
      return true;
    }
  } while (got.status == net::IoStatus::kOk);
  if (got.status != net::IoStatus::kWouldBlock) {
    return true;
  }
  const std::size_t begin = body_begin_;
  const bool complete = ParseHead().status != http::HeadStatus::kIncomplete;
  body_begin_ = complete ? begin : body_begin_;  // ReadHead reads it once more.
  return complete;
}

Task<Result<Done>> UpstreamCall::ReadHead() {
  const auto unavailable = [this](std::string_view cause) {
    return MakeError(ErrorCode::kUnavailable,
                     ErrorOrigin::kUpstream,
                     target_.origin.Authority() + ": " + std::string(cause));
  };
  if (!buffer_) {
    buffer_ = context_.worker.buffers.Take();
  }
  while (true) {
    if (body_begin_ < body_end_) {
      answer_begun_ = true;  // From here on the registry has seen the request: never repeat it.
      const http::HeadResult parsed = ParseHead();
      if (parsed.status == http::HeadStatus::kError) {
        co_return unavailable(parsed.error.sentence);
      }
      if (parsed.status == http::HeadStatus::kComplete) {
        context_.record.upstream_status = context_.scratch.response.status;
        co_return Done{};
      }
    }
    if (body_end_ == net::kBufferBytes) {
      co_return unavailable("the answer's head is too large");
    }
    Result<std::size_t> got = co_await stream_->Receive(buffer_.data() + body_end_,
                                                        net::kBufferBytes - body_end_,
                                                        authorized_.route().limits.idle_timeout);
    if (!got) {
      Error error = std::move(got).error();
      error.message = target_.origin.Authority() + ": " + error.message;
      co_return error;
    }
    if (*got == 0) {
      co_return unavailable("the connection was closed without an answer");
    }
    body_end_ += *got;
  }
}

void UpstreamCall::Finish(bool leftover) {
  const http::ResponseHead& head = context_.scratch.response;
  // docs/rules.md "Upstream framing": what was not read to its end, or has more bytes than it
  // announced, would give the next request a wrong answer.
  if (stream_ != nullptr && head.keep_alive && !leftover && !body_cut_short_) {
    context_.worker.pool.Release(key_, std::move(stream_));
  }
  stream_.reset();
}

void UpstreamCall::Discard() {
  const http::ResponseHead& head = context_.scratch.response;
  const std::size_t here = body_end_ - body_begin_;
  const bool whole =
      head.framing == http::BodyFraming::kNone
          ? here == 0
          : head.framing == http::BodyFraming::kContentLength && head.content_length == here;
  Finish(!whole);
}

}  // namespace connector::dataplane::server
