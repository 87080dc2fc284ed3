#include "dataplane/server/exchange.h"

#include "dataplane/oci/headers.h"
#include "dataplane/server/caller.h"
#include "dataplane/server/forward.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace connector::dataplane::server {
namespace {

using http::HeaderId;
using oci::ErrorReply;
using oci::Situation;
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

std::optional<ErrorReply> ReadOperation(Exchange& exchange) {
  const http::RequestHead& head = exchange.scratch.request;
  addressing::ParsedTarget parsed = addressing::ParseTarget(head.method, head.target);
  if (const auto* error = std::get_if<addressing::TargetError>(&parsed)) {
    return oci::ReplyFor(*error);
  }
  exchange.operation = std::get<addressing::Operation>(std::move(parsed));
  auto address = addressing::ResolveAddress(
      head.host, exchange.core.shared.settings.host_suffixes, exchange.operation);
  if (const auto* error = std::get_if<addressing::TargetError>(&address)) {
    return oci::ReplyFor(*error);
  }
  exchange.address = std::get<addressing::Address>(std::move(address));
  return std::nullopt;
}

// Remembers what the last Authorization meant: decoding and hashing it costs more than comparing.
std::optional<ErrorReply> ReadCaller(Exchange& exchange) {
  Client& client = exchange.client;
  const std::string_view sent = exchange.scratch.request.fields.Find(HeaderId::kAuthorization);
  if (sent.empty()) {
    return oci::ReplyFor(Situation::kUnauthenticated);
  }
  const std::string_view known = client.authorization.Reveal();
  if (known.size() != sent.size() || std::memcmp(known.data(), sent.data(), sent.size()) != 0) {
    client.authorization = Secret(sent);
    client.token = nullptr;
    if (std::optional<Secret> token = ReadCallerToken(sent)) {
      client.token_hash = token::HashToken(token->Reveal());
      client.token = std::make_shared<const Secret>(*std::move(token));
    }
  }
  return client.token == nullptr ? std::optional(oci::ReplyFor(Situation::kUnauthenticated))
                                 : std::nullopt;
}

const ConnectorRef* NamedConnector(const Exchange& exchange) {
  return std::get_if<ConnectorRef>(&exchange.address.target);
}

void PrepareAsk(Exchange& exchange) {
  token::Ask& ask = exchange.ask;
  ask.caller_token = exchange.client.token;
  ask.request_id = exchange.request_id;
  ask.client_address = exchange.client.address;
  bool docker_hub = false;
  if (exchange.operation.kind != addressing::OperationKind::kPing) {
    if (const ConnectorRef* ref = NamedConnector(exchange)) {
      ask.connector = *ref;
      const auto route = exchange.core.routes->Find(*ref);
      docker_hub = route != nullptr && route->docker_hub;
    } else if (const auto* mirror = std::get_if<addressing::MirrorHost>(&exchange.address.target)) {
      // Mirrors ask with whole names already; the broker finds the connector.
      ask.upstream_host = mirror->host;
    }
    ask.scopes = addressing::ScopesFor(exchange.operation, docker_hub);
  }
  exchange.grant_key = token::CacheKey(ask, exchange.client.token_hash);
}

ErrorReply ReplyForDenial(Exchange& exchange, const token::Denial& denial) {
  Core& core = exchange.core;
  if (denial.reason == token::DenialReason::kBrokerUnavailable) {
    exchange.decision = "broker unavailable";
    core.shared.logger.Warning("no grant from the broker",
                               {{"request_id", exchange.request_id}, {"reason", denial.message}});
    core.shared.recent_errors.Add(
        {exchange.started_at, exchange.ask.connector.name, "no grant from the broker"});
    return oci::ReplyFor(Situation::kBrokerUnavailable);
  }
  exchange.decision = "denied";
  return oci::ReplyFor(denial.reason, denial.message, denial.retry_after);
}

void Account(Exchange& exchange) {
  Core& core = exchange.core;
  Counters& counters = core.counters;
  const auto now = steady_clock::now();
  const auto micros = [](steady_clock::duration duration) {
    return std::max<std::int64_t>(
        0, std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
  };
  counters.responses_by_class[static_cast<std::size_t>(std::clamp(exchange.status / 100, 0, 5))]
      .Add();
  counters.bytes_down.Add(exchange.bytes_down);
  counters.bytes_up.Add(exchange.bytes_up);
  const bool reached = exchange.answered != steady_clock::time_point{};
  const auto first_byte = micros((reached ? exchange.answered : now) - exchange.started);
  const auto bucket = std::lower_bound(
      kLatencyBounds.begin(), kLatencyBounds.end(), static_cast<double>(first_byte) / 1e6);
  counters.first_byte_seconds[static_cast<std::size_t>(bucket - kLatencyBounds.begin())].Add();
  counters.first_byte_micros_sum.Add(static_cast<std::uint64_t>(first_byte));
  const ConnectorRef& ref = exchange.grant ? exchange.grant->connector : exchange.ask.connector;
  if (exchange.route) {
    routes::RouteStats& stats = *exchange.route->stats;
    stats.requests.fetch_add(1, std::memory_order_relaxed);
    stats.bytes_down.fetch_add(exchange.bytes_down, std::memory_order_relaxed);
    stats.bytes_up.fetch_add(exchange.bytes_up, std::memory_order_relaxed);
    stats.errors.fetch_add(exchange.status >= 500 ? 1 : 0, std::memory_order_relaxed);
  } else if (exchange.status < 500) {
    counters.denied.Add();
  }
  const std::string connector = ref.name.empty() ? exchange.ask.upstream_host : ref.ToString();
  const bool session = exchange.operation.kind == addressing::OperationKind::kUploadSession;
  core.access_log.Append(
      {.time = exchange.started_at,
       .request_id = exchange.request_id,
       .client = exchange.client.address,
       .method = http::ToString(exchange.scratch.request.method),
       .connector = connector,
       .repository = exchange.operation.repository,
       .operation = OperationName(exchange.operation.kind),
       .reference = session ? exchange.operation.digest : exchange.operation.reference,
       .subject = exchange.grant ? std::string_view(exchange.grant->subject) : std::string_view(),
       .decision = exchange.decision,
       .error = exchange.error,
       .status = exchange.status,
       .upstream_status = exchange.upstream_status,
       .bytes_up = exchange.bytes_up,
       .bytes_down = exchange.bytes_down,
       .grant_micros =
           exchange.grant ? micros(exchange.granted - exchange.started) : std::int64_t{0},
       .upstream_micros = reached ? micros(exchange.answered - exchange.granted) : std::int64_t{0},
       .total_micros = micros(now - exchange.started),
       .user_agent = exchange.scratch.request.fields.Find(HeaderId::kUserAgent)});
}

// A mirror's ns must be the registry of the connector that host or path name: one request names one
// connector.
bool NamespaceAgrees(const Exchange& exchange) {
  const std::string& ns = exchange.operation.ns;
  const std::vector<std::string>& hosts = exchange.route->mirror_hosts;
  return ns.empty() || NamedConnector(exchange) == nullptr ||
         std::find(hosts.begin(), hosts.end(), ns) != hosts.end();
}

Task<After> AnswerPing(Exchange& exchange) {
  std::string& out = exchange.scratch.out;
  out.clear();
  const bool keep_alive = exchange.scratch.request.keep_alive && !exchange.core.draining;
  oci::AppendPingReply(out,
                       {.head_request = exchange.scratch.request.method == http::Method::kHead,
                        .client_minor_version = exchange.scratch.request.minor_version,
                        .keep_alive = keep_alive,
                        .request_id = exchange.request_id});
  exchange.status = 200;
  const Result<Done> written =
      co_await exchange.client.stream.WriteAll(out, exchange.core.shared.settings.idle_timeout);
  co_return Continue(exchange, keep_alive && written);
}

Task<After> RunPhases(Exchange& exchange) {
  if (std::optional<ErrorReply> refusal = ReadOperation(exchange)) {
    co_return co_await Refuse(exchange, *std::move(refusal), "malformed");
  }
  if (std::optional<ErrorReply> refusal = ReadCaller(exchange)) {
    co_return co_await Refuse(exchange, *std::move(refusal), "no credential");
  }
  PrepareAsk(exchange);
  if (std::optional<ErrorReply> refusal = co_await ObtainGrant(exchange, false)) {
    if (refusal->status == 403 && GiveUpMount(exchange)) {
      refusal = co_await ObtainGrant(exchange, false);
    }
    if (refusal) {
      co_return co_await Refuse(exchange, *std::move(refusal), exchange.decision);
    }
  }
  if (exchange.operation.kind == addressing::OperationKind::kPing) {
    co_return co_await AnswerPing(exchange);
  }
  if (!NamespaceAgrees(exchange)) {
    co_return co_await Refuse(
        exchange,
        oci::ReplyFor(Situation::kNameInvalid,
                      "The parameter ns names another registry than the connector's."),
        "malformed");
  }
  if (const auto refusal = oci::CheckRequest(exchange.operation, exchange.scratch.request)) {
    co_return co_await Refuse(exchange, oci::ReplyFor(*refusal), "malformed");
  }
  co_return co_await Forward(exchange);
}

}  // namespace

After Continue(Exchange& exchange, bool keep_alive) {
  return {.keep_alive = keep_alive && exchange.body_consumed && !exchange.core.draining,
          .drain_input = !exchange.body_consumed,
          .leftover = std::move(exchange.leftover)};
}

Task<After> Refuse(Exchange& exchange, ErrorReply reply, std::string decision) {
  std::string& out = exchange.scratch.out;
  out.clear();
  const bool keep_alive = exchange.scratch.request.keep_alive && exchange.body_consumed &&
                          !reply.close && !exchange.core.draining;
  exchange.status = reply.status;
  exchange.error = reply.reason;
  exchange.decision = std::move(decision);
  exchange.slot.GiveBack();
  oci::AppendErrorReply(out,
                        reply,
                        {.head_request = exchange.scratch.request.method == http::Method::kHead,
                         .client_minor_version = exchange.scratch.request.minor_version,
                         .keep_alive = keep_alive,
                         .request_id = exchange.request_id});
  const Result<Done> written =
      co_await exchange.client.stream.WriteAll(out, exchange.core.shared.settings.idle_timeout);
  co_return Continue(exchange, keep_alive && written);
}

bool CarriesBody(const Exchange& exchange) {
  const http::RequestHead& head = exchange.scratch.request;
  return head.framing == http::BodyFraming::kChunked || head.content_length != 0;
}

bool GiveUpMount(Exchange& exchange) {
  addressing::Operation& operation = exchange.operation;
  if (operation.from.empty() || CarriesBody(exchange)) {
    return false;
  }
  operation.mount.clear();
  operation.from.clear();
  exchange.decision = "allowed";
  PrepareAsk(exchange);
  return true;
}

bool AskToCancel(Exchange& exchange) {
  auto scopes = addressing::CancelScopesFor(exchange.operation, exchange.route->docker_hub);
  if (scopes.empty()) {
    return false;
  }
  exchange.ask.scopes = std::move(scopes);
  exchange.grant_key = token::CacheKey(exchange.ask, exchange.client.token_hash);
  return true;
}

Task<std::optional<ErrorReply>> ObtainGrant(Exchange& exchange, bool mint_anew) {
  Core& core = exchange.core;
  token::Cache& cache = core.shared.grants;
  const auto in_force = [&core](const token::Grant& grant) {
    if (grant.connector.name.empty()) {
      return true;  // Only who the caller is; belongs to no route.
    }
    const auto route = core.routes->Find(grant.connector);
    return route != nullptr && route->epoch == grant.epoch;
  };
  bool refresh_due = false;
  exchange.grant =
      mint_anew ? nullptr : cache.Find(exchange.grant_key, core.timers.WallNow(), refresh_due);
  if (exchange.grant && !in_force(*exchange.grant)) {
    exchange.grant = nullptr;  // Revoked or changed (promise P6): ask again.
  }
  if (exchange.grant && refresh_due) {
    cache.Refresh(exchange.grant_key, exchange.ask);
  }
  if (!exchange.grant) {
    token::Ask ask = exchange.ask;
    ask.mint_anew = mint_anew;
    token::Outcome outcome = co_await cache.Fetch(exchange.grant_key, std::move(ask));
    if (const auto* denial = std::get_if<token::Denial>(&outcome)) {
      co_return ReplyForDenial(exchange, *denial);
    }
    exchange.grant = std::get<std::shared_ptr<const token::Grant>>(std::move(outcome));
  }
  exchange.granted = steady_clock::now();
  if (exchange.operation.kind == addressing::OperationKind::kPing) {
    co_return std::nullopt;
  }
  exchange.route = core.routes->Find(exchange.grant->connector);
  if (!exchange.route) {
    exchange.decision = "route not known yet";
    co_return oci::ReplyFor(Situation::kBrokerUnavailable,
                            "This connector is new here; try again in a second.");
  }
  co_return std::nullopt;
}

Task<After> Serve(Core& core, Client& client, Scratch& scratch, std::string_view buffered) {
  Exchange exchange{.core = core, .client = client, .scratch = scratch, .buffered = buffered};
  exchange.request_id = RequestIdOf(scratch.request, core.request_ids);
  exchange.started_at = std::chrono::system_clock::now();
  exchange.started = steady_clock::now();
  exchange.body_consumed = scratch.request.framing == http::BodyFraming::kNone ||
                           (scratch.request.framing == http::BodyFraming::kContentLength &&
                            scratch.request.content_length == 0);
  if (exchange.body_consumed) {
    exchange.leftover = buffered;
    exchange.buffered = {};
  }
  After after = co_await RunPhases(exchange);
  Account(exchange);
  OPENSSL_cleanse(scratch.out.data(), scratch.out.size());
  co_return after;
}

}  // namespace connector::dataplane::server
