#include "dataplane/server/respond.h"

#include "common/http/chunked.h"
#include "dataplane/oci/headers.h"
#include "dataplane/oci/registry_words.h"
#include "dataplane/oci/tag_list.h"
#include "dataplane/oci/upstream_answer.h"
#include "dataplane/relay/relay.h"
#include "dataplane/server/own_answer.h"
#include "dataplane/server/rewrite.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace connector::dataplane::server {
namespace {

using http::BodyFraming;
using http::HeaderId;
using oci::ErrorKind;
using oci::ErrorReply;

constexpr std::size_t kMaxErrorBodyBytes = 64 * 1024;
constexpr std::size_t kCoalesceBytes = 32 * 1024;  // Bodies up to this go out with their head.

class AnswerWriter {
 public:
  AnswerWriter(const Authorized& authorized, UpstreamCall& call)
      : authorized_(authorized),
        context_(authorized.context()),
        call_(call),
        head_(context_.scratch.response),
        asked_(AskedBy(authorized, call)),
        echo_(EchoSearchFor(authorized, call, asked_)) {}

  Task<ConnectionAction> Run();
  Task<ConnectionAction> RefuseForRegistry();

 private:
  std::optional<ErrorReply> Rewrite();
  void WriteHead(int status, oci::Framing framing);
  [[nodiscard]] oci::Framing ClientFraming() const {
    return oci::FramingForClient(
        head_, call_.target().method, context_.scratch.request.minor_version);
  }
  Task<ConnectionAction> AnswerHeadFromRange();
  Task<ConnectionAction> AnswerError();
  [[nodiscard]] bool IsForeignManifest() const;
  [[nodiscard]] bool TellsAnotherDigest() const;
  Task<ConnectionAction> RefuseForeignManifest();
  Task<ConnectionAction> AnswerForeignManifest();
  using Rewriter = std::function<std::string_view(std::string_view)>;
  Task<ConnectionAction> Stream(oci::Framing framing, const Rewriter* rewrite);
  Task<ConnectionAction> AnswerTagList(std::string client_name);
  Task<ConnectionAction> AnswerShortTagList(oci::TagListRenamer renamer);
  Task<std::optional<std::string>> ReadBody(std::size_t max_bytes);
  Task<ConnectionAction> Fail(ErrorReply reply);
  Task<ConnectionAction> WriteOut(bool keep_alive);

  const Authorized& authorized_;
  RequestContext& context_;
  UpstreamCall& call_;
  const http::ResponseHead& head_;
  const oci::Asked asked_;
  const oci::EchoSearch echo_;
  Rewritten rewritten_;
  bool keep_alive_ = false;
};

Task<ConnectionAction> AnswerWriter::Fail(ErrorReply reply) {
  context_.worker.shared.logger.Warning("the registry's answer cannot be passed on",
                                        {{"request_id", context_.request_id},
                                         {"connector", authorized_.route().ref.ToString()},
                                         {"reason", reply.message}});
  authorized_.NoteError(reply.message);
  call_.Discard();
  return Refuse(context_, {std::move(reply), RequestDecision::kUpstreamFailed});
}

std::optional<ErrorReply> AnswerWriter::Rewrite() {
  auto answer = RewriteAnswer(authorized_, call_);
  if (auto* failure = std::get_if<ErrorReply>(&answer)) {
    return std::move(*failure);
  }
  rewritten_ = std::get<Rewritten>(std::move(answer));
  return std::nullopt;
}

void AnswerWriter::WriteHead(int status, oci::Framing framing) {
  const addressing::Operation& operation = authorized_.operation();
  const bool foreign_blob = call_.target().hop == oci::HopKind::kForeign &&
                            operation.kind == addressing::OperationKind::kBlob && status < 400;
  keep_alive_ = context_.scratch.request.keep_alive && context_.body_consumed &&
                !context_.worker.draining && framing.kind != BodyFraming::kUntilClose;
  const auto* mirror = std::get_if<addressing::MirrorForm>(&context_.address.target);
  context_.record.status = status;
  context_.scratch.out.clear();
  oci::AppendClientResponseHead(
      context_.scratch.out,
      {.upstream = head_,
       .status = status,
       .framing = framing,
       .head_request = operation.method == http::Method::kHead,
       .client_minor_version = context_.scratch.request.minor_version,
       .keep_alive = keep_alive_,
       .location = rewritten_.location,
       .link = rewritten_.link,
       .upload_uuid = rewritten_.upload_uuid,
       .oci_namespace = mirror != nullptr ? std::string_view(operation.ns) : std::string_view(),
       .request_id = context_.request_id,
       .default_digest = foreign_blob ? std::string_view(operation.reference) : std::string_view(),
       .default_content_type = foreign_blob ? "application/octet-stream" : std::string_view(),
       // Of our own question for one byte; to the client's Range it belongs.
       .drop_content_range = operation.method != call_.target().method,
       .echo = echo_});
}

Task<ConnectionAction> AnswerWriter::WriteOut(bool keep_alive) {
  context_.slot.GiveBack();
  const Result<Done> written =
      co_await context_.client.stream.WriteAll(context_.scratch.out, ClientWriteTime(context_));
  co_return Continue(context_, keep_alive && written);
}

Task<ConnectionAction> AnswerWriter::AnswerHeadFromRange() {
  const std::optional<std::uint64_t> size = oci::SizeFromRangedGet(head_);
  // All of it, in chunks: then nobody knows the size before it is read, and a HEAD need not tell
  // it.
  if (!size && head_.status != 200) {
    co_return co_await Fail(oci::ReplyFor(ErrorKind::kUpstreamUnavailable,
                                          "The blob store did not tell the blob's size."));
  }
  WriteHead(200, size ? oci::Framing{BodyFraming::kContentLength, *size} : oci::Framing{});
  call_.Discard();
  co_return co_await WriteOut(keep_alive_);
}

// The whole body; nullopt when it is longer than `max_bytes` or cut.
Task<std::optional<std::string>> AnswerWriter::ReadBody(std::size_t max_bytes) {
  std::string raw(call_.buffered());
  std::string body;
  http::ChunkedDecoder decoder;
  std::size_t seen = 0;
  const net::PooledBuffer chunk = context_.worker.buffers.Take();
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
        chunk.data(), net::kBufferBytes, authorized_.route().limits.idle_timeout);
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

Task<ConnectionAction> AnswerWriter::AnswerError() {
  // What cannot be rewritten is left out: the registry's own refusal matters more.
  static_cast<void>(Rewrite());
  if (authorized_.operation().method == http::Method::kHead) {
    WriteHead(head_.status, ClientFraming());
    call_.Discard();
    co_return co_await WriteOut(keep_alive_);
  }
  const std::optional<std::string> body = co_await ReadBody(kMaxErrorBodyBytes);
  if (!body || echo_.Found(*body)) {
    ErrorReply reply = oci::ReplyFor(ErrorKind::kUpstreamUnavailable,
                                     "The registry answered " + std::to_string(head_.status) +
                                         " with a body that cannot be passed on.");
    reply.status = head_.status;
    co_return co_await Fail(std::move(reply));
  }
  WriteHead(head_.status, {BodyFraming::kContentLength, body->size()});
  context_.scratch.out.append(*body);
  context_.record.bytes_down = body->size();
  co_return co_await WriteOut(keep_alive_);
}

Task<ConnectionAction> AnswerWriter::RefuseForRegistry() {
  std::string words;
  const std::optional<std::string> body = co_await ReadBody(kMaxErrorBodyBytes);
  if (body && !echo_.Found(*body)) {
    words = oci::RegistryWords(*body);
  }
  if (echo_.Found(words)) {
    words.clear();
  }
  call_.Discard();
  context_.worker.shared.logger.Warning("the registry refused a request",
                                        {{"request_id", context_.request_id},
                                         {"connector", authorized_.route().ref.ToString()},
                                         {"status", head_.status},
                                         {"reason", words}});
  authorized_.NoteError("the registry answered " + std::to_string(head_.status) +
                        (words.empty() ? std::string() : ": " + words));
  Rejection rejection{oci::RegistryRefusal(words), RequestDecision::kUpstreamRefused};
  co_return co_await Refuse(context_, std::move(rejection));
}

// Whole, so that a HEAD learns its length and a cut is a 502.
Task<ConnectionAction> AnswerWriter::AnswerShortTagList(oci::TagListRenamer renamer) {
  const std::optional<std::string> body = co_await ReadBody(kCoalesceBytes);
  if (!body) {
    co_return co_await Fail(oci::ReplyFor(ErrorKind::kUpstreamUnavailable,
                                          "The registry cut the tag list before its end."));
  }
  std::string renamed;
  renamer.Append(*body, renamed);
  WriteHead(200, {BodyFraming::kContentLength, renamed.size()});
  if (authorized_.operation().method != http::Method::kHead) {
    context_.scratch.out.append(renamed);
    context_.record.bytes_down = renamed.size();
  }
  co_return co_await WriteOut(keep_alive_);
}

Task<ConnectionAction> AnswerWriter::AnswerTagList(std::string client_name) {
  oci::TagListRenamer renamer(std::move(client_name));
  if (head_.framing == BodyFraming::kContentLength && head_.content_length <= kCoalesceBytes) {
    co_return co_await AnswerShortTagList(std::move(renamer));
  }
  const oci::Framing framing = oci::FramingWithoutLength(context_.scratch.request.minor_version);
  WriteHead(200, framing);
  if (authorized_.operation().method == http::Method::kHead) {
    call_.Discard();
    co_return co_await WriteOut(keep_alive_);
  }
  std::string renamed;
  const Rewriter rewrite = [&](std::string_view payload) {
    renamed.clear();
    renamer.Append(payload, renamed);
    return std::string_view(renamed);
  };
  co_return co_await Stream(framing, &rewrite);
}

// A manifest that was asked by its digest, from where the registry redirected to.
bool AnswerWriter::IsForeignManifest() const {
  const addressing::Operation& operation = authorized_.operation();
  return operation.kind == addressing::OperationKind::kManifest && operation.reference_is_digest &&
         call_.target().hop == oci::HopKind::kOtherRegistry && head_.status < 300;
}

bool AnswerWriter::TellsAnotherDigest() const {
  const std::string_view told = head_.fields.Find(HeaderId::kDockerContentDigest);
  return !told.empty() && told != authorized_.operation().reference;
}

Task<ConnectionAction> AnswerWriter::RefuseForeignManifest() {
  return Fail(oci::ReplyFor(ErrorKind::kUpstreamUnavailable,
                            "The registry redirected to a host that has another manifest."));
}

// The digest alone vouches for that host. Clients check it too, but not all of them.
Task<ConnectionAction> AnswerWriter::AnswerForeignManifest() {
  std::optional<std::string> body;
  if (head_.status == 200) {
    body = co_await ReadBody(oci::kMaxManifestBytes);
  }
  if (!body || !oci::IsContentOf(authorized_.operation().reference, *body)) {
    co_return co_await RefuseForeignManifest();
  }
  WriteHead(200, {BodyFraming::kContentLength, body->size()});
  context_.scratch.out.append(*body);
  context_.record.bytes_down = body->size();
  co_return co_await WriteOut(keep_alive_);
}

Task<ConnectionAction> AnswerWriter::Stream(oci::Framing framing, const Rewriter* rewrite) {
  const std::string_view here = call_.buffered();
  std::string& out = context_.scratch.out;
  const bool whole_here = head_.framing == BodyFraming::kNone ||
                          (head_.framing == BodyFraming::kContentLength &&
                           head_.content_length <= here.size() && here.size() <= kCoalesceBytes);
  if (whole_here) {
    const std::size_t size =
        head_.framing == BodyFraming::kNone ? 0 : static_cast<std::size_t>(head_.content_length);
    out.append(here.substr(0, size));
    context_.record.bytes_down = size;
    call_.Finish(here.size() > size);
    co_return co_await WriteOut(keep_alive_);
  }
  const relay::RelayJob job{.from = call_.stream(),
                            .to = context_.client.stream,
                            .in = head_.framing,
                            .length = head_.content_length,
                            .chunk_output = framing.kind == BodyFraming::kChunked,
                            .head = out,
                            .buffered = here,
                            .buffers = context_.worker.buffers,
                            .source_timeout = authorized_.route().limits.idle_timeout,
                            .sink_timeout = context_.worker.shared.settings.idle_timeout,
                            .min_sink_rate = context_.worker.shared.settings.min_client_rate,
                            .slot = &context_.slot,
                            .rewrite = rewrite};
  relay::RelayResult outcome = co_await relay::Relay(job);
  context_.record.bytes_down = outcome.payload_bytes;
  if (outcome.end != relay::RelayEnd::kDone) {
    // The head is out: closing is the only honest way to say that the body is not whole.
    const bool upstream = outcome.end == relay::RelayEnd::kSourceCut ||
                          outcome.end == relay::RelayEnd::kSourceMalformed ||
                          outcome.end == relay::RelayEnd::kSourceTimeout;
    context_.record.decision =
        upstream ? RequestDecision::kCutByRegistry : RequestDecision::kCutByClient;
    if (upstream) {
      authorized_.NoteError("the registry cut a body before its end");
    }
    // Where the end of the connection is the end of the body, only a reset says it.
    ConnectionAction action;
    action.reset = framing.kind == BodyFraming::kUntilClose;
    co_return action;
  }
  call_.Finish(!outcome.leftover.empty());
  co_return Continue(context_, keep_alive_);
}

Task<ConnectionAction> AnswerWriter::Run() {
  const addressing::Operation& operation = authorized_.operation();
  // A HEAD that was asked as a GET, of which the answer's body is not passed on.
  const bool head_by_get =
      operation.method == http::Method::kHead && call_.target().method == http::Method::kGet;
  if (IsForeignManifest() && TellsAnotherDigest()) {
    co_return co_await RefuseForeignManifest();
  }
  const bool has_size = operation.kind == addressing::OperationKind::kBlob ||
                        operation.kind == addressing::OperationKind::kManifest;
  if (head_by_get && has_size && (head_.status < 300 || head_.status == 416)) {
    co_return co_await AnswerHeadFromRange();
  }
  if (head_.status >= 400) {
    co_return co_await AnswerError();
  }
  if (std::optional<ErrorReply> failure = Rewrite()) {
    co_return co_await Fail(*std::move(failure));
  }
  if (IsForeignManifest() && operation.method == http::Method::kGet) {
    co_return co_await AnswerForeignManifest();
  }
  if (operation.kind == addressing::OperationKind::kTags && head_.status == 200 &&
      head_.framing != BodyFraming::kNone) {
    std::string registry_name =
        addressing::UpstreamRepository(operation.repository, authorized_.route().docker_hub);
    std::string client_name = context_.address.client_prefix + operation.repository;
    if (registry_name != client_name) {
      co_return co_await AnswerTagList(std::move(client_name));
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
  co_return co_await Stream(framing, nullptr);
}

}  // namespace

Task<ConnectionAction> RefuseForRegistry(const Authorized& authorized, UpstreamCall& call) {
  AnswerWriter writer(authorized, call);
  co_return co_await writer.RefuseForRegistry();
}

Task<ConnectionAction> Respond(const Authorized& authorized, UpstreamCall& call) {
  AnswerWriter writer(authorized, call);
  co_return co_await writer.Run();
}

}  // namespace connector::dataplane::server
