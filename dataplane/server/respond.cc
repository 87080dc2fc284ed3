#include "dataplane/server/respond.h"

#include "common/http/chunked.h"
#include "dataplane/oci/headers.h"
#include "dataplane/oci/tag_list.h"
#include "dataplane/relay/relay.h"
#include "dataplane/server/rewrite.h"

#include <algorithm>
#include <utility>

namespace connector::dataplane::server {
namespace {

using http::BodyFraming;
using http::HeaderId;
using oci::ErrorReply;
using oci::Situation;

constexpr std::size_t kMaxErrorBodyBytes = 64 * 1024;
constexpr std::size_t kCoalesceBytes = 32 * 1024;  // Bodies up to this go out with their head.

class Responder {
 public:
  Responder(Exchange& exchange, UpstreamCall& call)
      : exchange_(exchange), call_(call), head_(exchange.scratch.response) {}

  Task<After> Run();

 private:
  std::optional<ErrorReply> Rewrite();
  void WriteHead(int status, oci::Framing framing);
  [[nodiscard]] oci::Framing ClientFraming() const;
  [[nodiscard]] const oci::NoEcho* no_echo() const {
    return call_.target().send_credential ? &exchange_.grant->no_echo : nullptr;
  }
  Task<After> AnswerHeadFromRange();
  Task<After> AnswerError();
  Task<After> Stream(oci::Framing framing);
  Task<After> AnswerTagList(std::string registry_name, std::string client_name);
  Task<std::optional<std::string>> ReadBody(std::size_t max_bytes);
  Task<After> Fail(ErrorReply reply);
  Task<After> WriteOut(bool keep_alive);

  Exchange& exchange_;
  UpstreamCall& call_;
  const http::ResponseHead& head_;
  Rewritten rewritten_;
  bool keep_alive_ = false;
};

Task<After> Responder::Fail(ErrorReply reply) {
  exchange_.core.shared.logger.Warning("the registry's answer cannot be passed on",
                                       {{"request_id", exchange_.request_id},
                                        {"connector", exchange_.route->ref.ToString()},
                                        {"reason", reply.message}});
  exchange_.core.shared.recent_errors.Add(
      {exchange_.started_at, exchange_.route->ref.ToString(), reply.message});
  call_.Discard();
  return Refuse(exchange_, std::move(reply), "upstream failed");
}

std::optional<ErrorReply> Responder::Rewrite() {
  auto answer = RewriteAnswer(exchange_, call_);
  if (auto* failure = std::get_if<ErrorReply>(&answer)) {
    return std::move(*failure);
  }
  rewritten_ = std::get<Rewritten>(std::move(answer));
  return std::nullopt;
}

oci::Framing Responder::ClientFraming() const {
  switch (head_.framing) {
    case BodyFraming::kContentLength:
      return {BodyFraming::kContentLength, head_.content_length};
    case BodyFraming::kChunked:
    case BodyFraming::kUntilClose:
      return {exchange_.scratch.request.minor_version >= 1 ? BodyFraming::kChunked
                                                           : BodyFraming::kUntilClose,
              0};
    case BodyFraming::kNone:
      break;
  }
  // The answer to a HEAD tells a length although no body follows.
  if (head_.has_content_length && call_.target().method == http::Method::kHead) {
    return {BodyFraming::kContentLength, head_.content_length};
  }
  return {};
}

void Responder::WriteHead(int status, oci::Framing framing) {
  const addressing::Operation& operation = exchange_.operation;
  const bool foreign_blob = call_.target().hop == oci::Hop::kForeign &&
                            operation.kind == addressing::OperationKind::kBlob && status < 400;
  keep_alive_ = exchange_.scratch.request.keep_alive && exchange_.body_consumed &&
                !exchange_.core.draining && framing.kind != BodyFraming::kUntilClose;
  const auto* mirror = std::get_if<addressing::MirrorHost>(&exchange_.address.target);
  exchange_.status = status;
  exchange_.scratch.out.clear();
  oci::AppendClientResponseHead(
      exchange_.scratch.out,
      {.upstream = head_,
       .status = status,
       .framing = framing,
       .head_request = operation.method == http::Method::kHead,
       .client_minor_version = exchange_.scratch.request.minor_version,
       .keep_alive = keep_alive_,
       .location = rewritten_.location,
       .link = rewritten_.link,
       .upload_uuid = rewritten_.upload_uuid,
       .oci_namespace = mirror != nullptr ? std::string_view(operation.ns) : std::string_view(),
       .request_id = exchange_.request_id,
       .default_digest = foreign_blob ? std::string_view(operation.reference) : std::string_view(),
       .default_content_type = foreign_blob ? "application/octet-stream" : std::string_view(),
       // Of our own question for one byte; to the client's Range it belongs.
       .drop_content_range = operation.method != call_.target().method,
       .no_echo = no_echo()});
}

Task<After> Responder::WriteOut(bool keep_alive) {
  exchange_.slot.GiveBack();
  const Result<Done> written = co_await exchange_.client.stream.WriteAll(
      exchange_.scratch.out, exchange_.core.shared.settings.idle_timeout);
  co_return Continue(exchange_, keep_alive && written);
}

Task<After> Responder::AnswerHeadFromRange() {
  const std::optional<std::uint64_t> size = oci::SizeFromRangedGet(head_);
  if (!size) {
    co_return co_await Fail(oci::ReplyFor(Situation::kUpstreamUnavailable,
                                          "The blob store did not tell the blob's size."));
  }
  WriteHead(200, {BodyFraming::kContentLength, *size});
  call_.Discard();
  co_return co_await WriteOut(keep_alive_);
}

// The whole body; nullopt when it is longer than `max_bytes` or cut.
Task<std::optional<std::string>> Responder::ReadBody(std::size_t max_bytes) {
  std::string raw(call_.buffered());
  std::string body;
  http::ChunkedDecoder decoder;
  std::size_t seen = 0;
  const net::BufferPool::Lease chunk = exchange_.core.buffers.Take();
  while (true) {
    bool done = head_.framing == BodyFraming::kNone;
    if (head_.framing == BodyFraming::kChunked) {
      while (seen < raw.size() && !decoder.done() && !decoder.failed()) {
        const std::string_view input = std::string_view(raw).substr(seen);
        const http::ChunkedStep step = decoder.Next(input);
        body.append(input.substr(step.payload_begin, step.payload_size));
        seen += step.consumed;
      }
      done = decoder.done();
      if (decoder.failed()) {
        co_return std::nullopt;
      }
    } else if (head_.framing == BodyFraming::kContentLength) {
      done = raw.size() >= head_.content_length;
    }
    if (done) {
      const bool chunked = head_.framing == BodyFraming::kChunked;
      const std::uint64_t length = chunked                               ? seen
                                   : head_.framing == BodyFraming::kNone ? 0
                                                                         : head_.content_length;
      call_.Finish(raw.size() > length);
      raw.resize(static_cast<std::size_t>(std::min<std::uint64_t>(raw.size(), length)));
      co_return chunked ? std::move(body) : std::move(raw);
    }
    const Result<std::size_t> got = co_await call_.stream().Read(
        chunk.data(), net::kBufferBytes, exchange_.route->limits.idle_timeout);
    if (!got || raw.size() + *got > max_bytes) {
      co_return std::nullopt;
    }
    if (*got == 0) {
      co_return head_.framing == BodyFraming::kUntilClose ? std::optional(std::move(raw))
                                                          : std::nullopt;
    }
    raw.append(chunk.data(), *got);
  }
}

Task<After> Responder::AnswerError() {
  // What cannot be rewritten is left out: the registry's own refusal matters more.
  static_cast<void>(Rewrite());
  if (exchange_.operation.method == http::Method::kHead) {
    WriteHead(head_.status, ClientFraming());
    call_.Discard();
    co_return co_await WriteOut(keep_alive_);
  }
  const std::optional<std::string> body = co_await ReadBody(kMaxErrorBodyBytes);
  if (!body || (no_echo() != nullptr && no_echo()->Found(*body))) {
    ErrorReply reply = oci::ReplyFor(Situation::kUpstreamUnavailable,
                                     "The registry answered " + std::to_string(head_.status) +
                                         " with a body that cannot be passed on.");
    reply.status = head_.status;
    co_return co_await Fail(std::move(reply));
  }
  WriteHead(head_.status, {BodyFraming::kContentLength, body->size()});
  exchange_.scratch.out.append(*body);
  exchange_.bytes_down = body->size();
  co_return co_await WriteOut(keep_alive_);
}

Task<After> Responder::AnswerTagList(std::string registry_name, std::string client_name) {
  const std::optional<std::string> body = co_await ReadBody(oci::kMaxTagListBytes);
  if (!body) {
    co_return co_await Fail(oci::ReplyFor(Situation::kUpstreamUnavailable,
                                          "The tag list is too long; ask for pages with n."));
  }
  const std::string renamed = oci::RenameTagList(*body, registry_name, client_name);
  WriteHead(200, {BodyFraming::kContentLength, renamed.size()});
  if (exchange_.operation.method != http::Method::kHead) {
    exchange_.scratch.out.append(renamed);
    exchange_.bytes_down = renamed.size();
  }
  co_return co_await WriteOut(keep_alive_);
}

Task<After> Responder::Stream(oci::Framing framing) {
  const std::string_view here = call_.buffered();
  std::string& out = exchange_.scratch.out;
  const bool whole_here = head_.framing == BodyFraming::kNone ||
                          (head_.framing == BodyFraming::kContentLength &&
                           head_.content_length <= here.size() && here.size() <= kCoalesceBytes);
  if (whole_here) {
    const std::size_t size =
        head_.framing == BodyFraming::kNone ? 0 : static_cast<std::size_t>(head_.content_length);
    out.append(here.substr(0, size));
    exchange_.bytes_down = size;
    call_.Finish(here.size() > size);
    co_return co_await WriteOut(keep_alive_);
  }
  const relay::Job job{.from = call_.stream(),
                       .to = exchange_.client.stream,
                       .in = head_.framing,
                       .length = head_.content_length,
                       .chunk_output = framing.kind == BodyFraming::kChunked,
                       .head = out,
                       .buffered = here,
                       .buffers = exchange_.core.buffers,
                       .source_timeout = exchange_.route->limits.idle_timeout,
                       .sink_timeout = exchange_.core.shared.settings.idle_timeout,
                       .slot = &exchange_.slot};
  relay::Outcome outcome = co_await relay::Relay(job);
  exchange_.bytes_down = outcome.payload_bytes;
  if (outcome.end != relay::End::kDone) {
    // The head is out: closing is the only honest way to say that the body is not whole.
    const bool upstream = outcome.end == relay::End::kSourceCut ||
                          outcome.end == relay::End::kSourceMalformed ||
                          outcome.end == relay::End::kSourceTimeout;
    exchange_.decision = upstream ? "cut by the registry" : "cut by the client";
    if (upstream) {
      exchange_.core.shared.recent_errors.Add({exchange_.started_at,
                                               exchange_.route->ref.ToString(),
                                               "the registry cut a body before its end"});
    }
    // Where the end of the connection is the end of the body, only a reset says it.
    After after;
    after.reset = framing.kind == BodyFraming::kUntilClose;
    co_return after;
  }
  call_.Finish(!outcome.leftover.empty());
  co_return Continue(exchange_, keep_alive_);
}

Task<After> Responder::Run() {
  const addressing::Operation& operation = exchange_.operation;
  // A HEAD that was asked as a GET, of which the answer's body is not passed on.
  const bool head_by_get =
      operation.method == http::Method::kHead && call_.target().method == http::Method::kGet;
  if (head_by_get && operation.kind == addressing::OperationKind::kBlob &&
      (head_.status < 300 || head_.status == 416)) {
    co_return co_await AnswerHeadFromRange();
  }
  if (head_.status >= 400) {
    co_return co_await AnswerError();
  }
  if (std::optional<ErrorReply> failure = Rewrite()) {
    co_return co_await Fail(*std::move(failure));
  }
  if (operation.kind == addressing::OperationKind::kTags && head_.status == 200) {
    std::string registry_name =
        addressing::UpstreamRepository(operation.repository, exchange_.route->docker_hub);
    std::string client_name = exchange_.address.client_prefix + operation.repository;
    if (registry_name != client_name) {
      co_return co_await AnswerTagList(std::move(registry_name), std::move(client_name));
    }
  }
  const oci::Framing framing = ClientFraming();
  if (head_by_get || (head_.status >= 300 && head_.status != 304)) {
    // Of a redirect that is passed on, nothing but where it leads: its body is only for people.
    WriteHead(head_.status, head_by_get ? framing : oci::Framing{});
    call_.Discard();
    co_return co_await WriteOut(keep_alive_);
  }
  WriteHead(head_.status, framing);
  co_return co_await Stream(framing);
}

}  // namespace

Task<After> Respond(Exchange& exchange, UpstreamCall& call) {
  Responder responder(exchange, call);
  co_return co_await responder.Run();
}

}  // namespace connector::dataplane::server
