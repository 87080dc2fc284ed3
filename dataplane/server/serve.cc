#include "dataplane/server/serve.h"

#include "dataplane/oci/headers.h"
#include "dataplane/server/authorized.h"
#include "dataplane/server/forward.h"
#include "dataplane/server/own_answer.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

namespace connector::dataplane::server {
namespace {

using http::HeaderId;
using oci::ErrorKind;
using std::chrono::steady_clock;

constexpr std::size_t kMaxRequestIdBytes = 64;

bool IsRequestId(std::string_view text) {
  return !text.empty() && text.size() <= kMaxRequestIdBytes &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '-' || c == '_' || c == '.';
         });
}

// The client's own id when it sent a harmless one, so that its logs and ours meet.
std::string RequestIdOf(const http::RequestHead& head, RequestIds& ids) {
  const std::string_view sent = head.fields.Find(HeaderId::kXRequestId);
  if (IsRequestId(sent)) {
    return std::string(sent);
  }
  return ids.Next();
}

std::string_view OperationName(addressing::OperationKind kind) {
  switch (kind) {
    case addressing::OperationKind::kPing:
      return "ping";
    case addressing::OperationKind::kManifest:
      return "manifest";
    case addressing::OperationKind::kBlob:
      return "blob";
    case addressing::OperationKind::kUploadStart:
    case addressing::OperationKind::kUploadSession:
      return "upload";
    case addressing::OperationKind::kTags:
      return "tags";
    case addressing::OperationKind::kReferrers:
      return "referrers";
  }
  return "unknown";
}

std::int64_t Micros(steady_clock::duration duration) {
  return std::max<std::int64_t>(
      0, std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

void Count(const RequestContext& context, std::int64_t first_byte_micros) {
  const RequestRecord& record = context.record;
  Counters& counters = context.worker.counters;
  counters.responses_by_class[static_cast<std::size_t>(std::clamp(record.status / 100, 0, 5))]
      .Add();
  counters.bytes_down.Add(record.bytes_down);
  counters.bytes_up.Add(record.bytes_up);
  const auto bucket = std::lower_bound(
      kLatencyBounds.begin(), kLatencyBounds.end(), static_cast<double>(first_byte_micros) / 1e6);
  counters.first_byte_seconds[static_cast<std::size_t>(bucket - kLatencyBounds.begin())].Add();
  counters.first_byte_micros_sum.Add(static_cast<std::uint64_t>(first_byte_micros));
  if (record.route) {
    routes::RouteStats& stats = *record.route->stats;
    stats.requests.fetch_add(1, std::memory_order_relaxed);
    stats.bytes_down.fetch_add(record.bytes_down, std::memory_order_relaxed);
    stats.bytes_up.fetch_add(record.bytes_up, std::memory_order_relaxed);
    stats.errors.fetch_add(record.status >= 500 ? 1 : 0, std::memory_order_relaxed);
  } else if (record.status < 500) {
    counters.denied.Add();
  }
}

void Account(const RequestContext& context) {
  const RequestRecord& record = context.record;
  const addressing::Operation& operation = context.operation;
  const auto now = steady_clock::now();
  const bool reached = record.answered != steady_clock::time_point{};
  Count(context, Micros((reached ? record.answered : now) - record.started));
  const ConnectorRef& ref =
      record.grant ? record.grant->connector : context.grant_request.connector;
  const std::string connector =
      ref.name.empty() ? context.grant_request.upstream_host : ref.ToString();
  const bool session = operation.kind == addressing::OperationKind::kUploadSession;
  context.worker.access_log.Append(
      {.time = record.started_at,
       .request_id = context.request_id,
       .client = context.client.address,
       .method = http::ToString(context.scratch.request.method),
       .connector = connector,
       .repository = operation.repository,
       .operation = OperationName(operation.kind),
       .reference = session ? operation.digest : operation.reference,
       .subject = record.grant ? std::string_view(record.grant->subject) : std::string_view(),
       .decision = Name(record.decision),
       .error = record.error,
       .status = record.status,
       .upstream_status = record.upstream_status,
       .bytes_up = record.bytes_up,
       .bytes_down = record.bytes_down,
       .grant_micros = record.grant ? Micros(record.granted - record.started) : std::int64_t{0},
       .upstream_micros = reached ? Micros(record.answered - record.granted) : std::int64_t{0},
       .total_micros = Micros(now - record.started),
       .user_agent = context.scratch.request.fields.Find(HeaderId::kUserAgent)});
}

// A mirror's ns must be the registry of the connector that host or path name: one request names one
// connector.
bool NamespaceAgrees(const Authorized& authorized) {
  const std::string& ns = authorized.operation().ns;
  const std::vector<std::string>& hosts = authorized.route().mirror_hosts;
  const bool named = std::holds_alternative<ConnectorRef>(authorized.context().address.target);
  return ns.empty() || !named || std::find(hosts.begin(), hosts.end(), ns) != hosts.end();
}

Task<ConnectionAction> RunPhases(RequestContext& context) {
  std::variant<ParsedRequest, Rejection> parsed = ParseRequest(context);
  if (auto* rejection = std::get_if<Rejection>(&parsed)) {
    co_return co_await Refuse(context, std::move(*rejection));
  }
  ParsedRequest& request = std::get<ParsedRequest>(parsed);
  AuthorizeResult authorization = co_await Authorize(request, false);
  if (const auto* rejection = std::get_if<Rejection>(&authorization);
      rejection != nullptr && rejection->reply.status == 403 && request.CanGiveUpMount()) {
    request.GiveUpMount();
    authorization = co_await Authorize(request, false);
  }
  if (auto* rejection = std::get_if<Rejection>(&authorization)) {
    co_return co_await Refuse(context, std::move(*rejection));
  }
  context.client.large_head.GiveBack();  // From here on the subject's share bounds what it holds.
  auto* const authorized = std::get_if<Authorized>(&authorization);
  if (authorized == nullptr) {
    co_return co_await AnswerPing(context);
  }
  if (!NamespaceAgrees(*authorized)) {
    Rejection rejection{
        oci::ReplyFor(ErrorKind::kNameInvalid,
                      "The parameter ns names another registry than the connector's."),
        RequestDecision::kMalformed};
    co_return co_await Refuse(context, std::move(rejection));
  }
  if (const auto refusal = oci::CheckRequest(context.operation, context.scratch.request)) {
    Rejection rejection{oci::ReplyFor(*refusal), RequestDecision::kMalformed};
    co_return co_await Refuse(context, std::move(rejection));
  }
  co_return co_await Forward(*authorized);
}

// Tells the connection which request is under way.
class UnderWay {
 public:
  explicit UnderWay(RequestContext& context) : client_(context.client) {
    client_.request = &context;
  }
  ~UnderWay() { client_.request = nullptr; }
  UnderWay(const UnderWay&) = delete;
  UnderWay& operator=(const UnderWay&) = delete;

 private:
  ClientConnection& client_;
};

}  // namespace

Task<ConnectionAction> Serve(Worker& worker,
                             ClientConnection& client,
                             Scratch& scratch,
                             std::string_view buffered) {
  RequestContext context{
      .worker = worker, .client = client, .scratch = scratch, .buffered = buffered};
  context.request_id = RequestIdOf(scratch.request, worker.request_ids);
  context.record.started_at = std::chrono::system_clock::now();
  context.record.started = steady_clock::now();
  context.body_consumed = scratch.request.framing == http::BodyFraming::kNone ||
                          (scratch.request.framing == http::BodyFraming::kContentLength &&
                           scratch.request.content_length == 0);
  if (context.body_consumed) {
    context.leftover = buffered;
    context.buffered = {};
  }
  const UnderWay under_way(context);
  ConnectionAction action = co_await RunPhases(context);
  Account(context);
  OPENSSL_cleanse(scratch.out.data(), scratch.out.size());
  co_return action;
}

}  // namespace connector::dataplane::server
