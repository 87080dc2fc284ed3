#include "dataplane/server/forward.h"

#include "dataplane/oci/page_state.h"
#include "dataplane/oci/redirect.h"
#include "dataplane/oci/upload_session.h"
#include "dataplane/server/respond.h"
#include "dataplane/server/rewrite.h"
#include "dataplane/server/upstream_call.h"

#include <utility>
#include <variant>

namespace connector::dataplane::server {
namespace {

using http::HeaderId;
using oci::ErrorReply;
using oci::Situation;

bool IsRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

oci::EgressPolicy PolicyOf(const routes::Route& route) {
  return {.address = route.origin,
          .redirect_hosts = route.redirects.hosts,
          .allow_insecure = route.allow_insecure};
}

using FirstHop = std::variant<UpstreamTarget, ErrorReply>;

ErrorReply RefuseSealed(Exchange& exchange, oci::SealRefusal refusal, Situation situation) {
  exchange.core.shared.logger.Info("rejected upload session or page token",
                                   {{"request_id", exchange.request_id},
                                    {"connector", exchange.route->ref.ToString()},
                                    {"reason", oci::Name(refusal)}});
  return oci::ReplyFor(situation);
}

FirstHop UploadTarget(Exchange& exchange) {
  const routes::Route& route = *exchange.route;
  UpstreamTarget target{.origin = route.origin, .method = exchange.operation.method};
  const std::string repository =
      addressing::UpstreamRepository(exchange.operation.repository, route.docker_hub);
  auto opened = oci::OpenUpload(*exchange.core.routes->sealing_keys,
                                exchange.operation.reference,
                                {.connector = route.ref,
                                 .repository = repository,
                                 .subject = exchange.grant->subject,
                                 .now = RequestSeconds(exchange)});
  if (const auto* refusal = std::get_if<oci::SealRefusal>(&opened)) {
    return RefuseSealed(exchange, *refusal, Situation::kUploadUnknown);
  }
  const oci::UploadState& state = std::get<oci::UploadState>(opened);
  target.origin = state.url.origin;
  target.target = oci::UploadTarget(state.url, exchange.operation.digest);
  target.send_credential = state.send_credential;
  target.hop = state.url.origin == route.origin ? oci::Hop::kRegistry : oci::Hop::kForeign;
  // Decided again, and not only when the session was sealed: the connector may have changed, and a
  // sealed state is not what pins a credential (promise P5).
  const bool listed = oci::IsListedHost(route.redirects.hosts, target.origin.host);
  const bool secure = target.origin.tls || route.allow_insecure;
  if (target.hop == oci::Hop::kForeign && !(listed && secure)) {
    return oci::ReplyFor(Situation::kUploadUnknown);
  }
  return target;
}

FirstHop ListTarget(Exchange& exchange) {
  const routes::Route& route = *exchange.route;
  const addressing::Operation& operation = exchange.operation;
  // Registries do not know HEAD here, and the length of a renamed list is ours to find out.
  UpstreamTarget target{.origin = route.origin, .method = http::Method::kGet};
  addressing::AppendUpstreamTarget(target.target, operation, route.docker_hub);
  if (operation.page.empty()) {
    return target;
  }
  auto opened = oci::OpenPage(*exchange.core.routes->sealing_keys,
                              operation.page,
                              {.connector = route.ref,
                               .path = target.target,
                               .subject = exchange.grant->subject,
                               .now = RequestSeconds(exchange)});
  if (const auto* refusal = std::get_if<oci::SealRefusal>(&opened)) {
    ErrorReply reply = RefuseSealed(exchange, *refusal, Situation::kPageInvalid);
    reply.message = "This link to a page is not, or no longer, valid; list again from the start.";
    return reply;
  }
  target.target.append("?").append(std::get<oci::PageState>(opened).query);
  return target;
}

// The first target of the request; a refusal when what was sealed for it does not open.
FirstHop FirstTarget(Exchange& exchange) {
  switch (exchange.operation.kind) {
    case addressing::OperationKind::kUploadSession:
      return UploadTarget(exchange);
    case addressing::OperationKind::kTags:
    case addressing::OperationKind::kReferrers:
      return ListTarget(exchange);
    default:
      break;
  }
  UpstreamTarget target{.origin = exchange.route->origin, .method = exchange.operation.method};
  addressing::AppendUpstreamTarget(target.target, exchange.operation, exchange.route->docker_hub);
  return target;
}

class Forwarding {
 public:
  explicit Forwarding(Exchange& exchange) : exchange_(exchange) {}

  Task<After> Run(UpstreamTarget first);

 private:
  enum class Next : std::uint8_t { kRespond, kAgain, kRefuse };

  Task<Next> Inspect(UpstreamCall& call);
  Next InspectRedirect(UpstreamCall& call);
  Next Follow(oci::NextHop hop);
  Task<Next> InspectUnauthorized(UpstreamCall& call);
  Task<Next> ObtainAnew(bool mint_anew);
  Next RefuseWith(ErrorReply reply, std::string decision);

  Exchange& exchange_;
  UpstreamTarget target_;
  std::optional<ErrorReply> refusal_;
  std::string decision_;
  int redirects_ = 0;
  bool token_retried_ = false;
};

Forwarding::Next Forwarding::RefuseWith(ErrorReply reply, std::string decision) {
  refusal_ = std::move(reply);
  decision_ = std::move(decision);
  return Next::kRefuse;
}

Task<After> Forwarding::Run(UpstreamTarget first) {
  target_ = std::move(first);
  while (true) {
    UpstreamCall call(exchange_, target_);
    CallResult result = co_await call.Run();
    if (result.client_lost) {
      co_return After{};
    }
    if (result.refusal) {
      co_return co_await Refuse(exchange_, *std::move(result.refusal), "upstream failed");
    }
    switch (co_await Inspect(call)) {
      case Next::kRespond:
        co_return co_await Respond(exchange_, call);
      case Next::kRefuse:
        call.Discard();
        co_return co_await Refuse(exchange_, *std::move(refusal_), std::move(decision_));
      case Next::kAgain:
        call.Discard();
        break;
    }
  }
}

Task<Forwarding::Next> Forwarding::Inspect(UpstreamCall& call) {
  const int status = exchange_.scratch.response.status;
  const bool registry = call.target().hop == oci::Hop::kRegistry;
  if (registry && status == 401) {
    co_return co_await InspectUnauthorized(call);
  }
  // Not every client asks again without the mount, so we do.
  if (status >= 400 && status < 500 && status != 429 && GiveUpMount(exchange_)) {
    co_return co_await ObtainAnew(false);
  }
  if (registry && status == 403) {
    co_return RefuseWith(oci::ReplyFor(Situation::kUpstreamRefused), "upstream refused");
  }
  if (status == 407) {
    co_return RefuseWith(oci::ReplyFor(Situation::kUpstreamUnavailable), "upstream failed");
  }
  if (status >= 300 && status < 400 && status != 304) {
    co_return InspectRedirect(call);
  }
  if (!registry && status >= 400 && status != 404 && status != 412 && status != 416) {
    exchange_.core.shared.recent_errors.Add(
        {exchange_.started_at,
         exchange_.route->ref.ToString(),
         call.target().origin.Authority() + " answered " + std::to_string(status)});
    co_return RefuseWith(oci::ReplyFor(Situation::kUpstreamUnavailable,
                                       "The blob store " + call.target().origin.Authority() +
                                           " answered " + std::to_string(status) + "."),
                         "upstream failed");
  }
  co_return Next::kRespond;
}

// One retry with a new token, only while no byte of a body was sent; the second 401 is final. To
// cancel an upload, the retry is with another right: the first token may be good for all else.
Task<Forwarding::Next> Forwarding::InspectUnauthorized(UpstreamCall& call) {
  const bool other_right = !token_retried_ && AskToCancel(exchange_);
  if (!other_right) {
    exchange_.core.shared.grants.Drop(exchange_.grant_key, exchange_.grant);
  }
  if (CarriesBody(exchange_) || !call.target().send_credential) {
    co_return RefuseWith(oci::ReplyFor(Situation::kUpstreamRefused), "upstream refused");
  }
  if (token_retried_) {
    // A registry refuses a token without the source's scope like one that has expired.
    if (!GiveUpMount(exchange_)) {
      co_return RefuseWith(oci::ReplyFor(Situation::kUpstreamRefused), "upstream refused");
    }
    token_retried_ = false;
    co_return co_await ObtainAnew(false);
  }
  token_retried_ = true;
  exchange_.core.counters.token_retries.Add();
  co_return co_await ObtainAnew(!other_right);
}

Task<Forwarding::Next> Forwarding::ObtainAnew(bool mint_anew) {
  if (std::optional<ErrorReply> refusal = co_await ObtainGrant(exchange_, mint_anew)) {
    co_return RefuseWith(*std::move(refusal), exchange_.decision);
  }
  if (exchange_.operation.kind == addressing::OperationKind::kUploadStart) {
    target_.target.clear();
    addressing::AppendUpstreamTarget(
        target_.target, exchange_.operation, exchange_.route->docker_hub);
  }
  co_return Next::kAgain;
}

Forwarding::Next Forwarding::InspectRedirect(UpstreamCall& call) {
  const routes::Route& route = *exchange_.route;
  const int status = exchange_.scratch.response.status;
  const std::string_view location = exchange_.scratch.response.fields.Find(HeaderId::kLocation);
  const bool blob_read = exchange_.operation.kind == addressing::OperationKind::kBlob &&
                         exchange_.operation.method != http::Method::kDelete;
  const Result<http::Url> asked = AskedUrl(call);
  if (!asked) {
    return RefuseWith(oci::ReplyFor(Situation::kInternal), "internal");
  }
  if (call.target().send_credential && exchange_.grant->no_echo.Found(location)) {
    return RefuseWith(
        oci::ReplyFor(Situation::kRedirectRefused,
                      "The registry's Location holds the credential that it was sent."),
        "redirect refused");
  }
  if (blob_read && route.redirects.mode == routing::RedirectMode::kPass && IsRedirect(status)) {
    const Result<http::Url> url = http::ResolveReference(*asked, location);
    // Back to the registry itself: the client has no credential for it, so that hop is ours.
    if (!url || url->origin != route.origin) {
      return Next::kRespond;
    }
  }
  oci::HopDecision decision = oci::DecideRedirect(PolicyOf(route),
                                                  {.operation = exchange_.operation,
                                                   .docker_hub = route.docker_hub,
                                                   .asked = *asked,
                                                   .status = status,
                                                   .location = location,
                                                   .followed = redirects_});
  if (const auto* refusal = std::get_if<oci::HopRefusal>(&decision)) {
    const std::string_view sentence = oci::Sentence(*refusal);
    exchange_.core.shared.recent_errors.Add(
        {exchange_.started_at, route.ref.ToString(), std::string(sentence)});
    return RefuseWith(oci::ReplyFor(Situation::kRedirectRefused, sentence), "redirect refused");
  }
  return Follow(std::get<oci::NextHop>(std::move(decision)));
}

Forwarding::Next Forwarding::Follow(oci::NextHop hop) {
  ++redirects_;
  exchange_.core.counters.redirects_followed.Add();
  target_ = {.origin = hop.url.origin,
             .target = hop.url.Target(),
             .method = exchange_.operation.method,
             .hop = hop.send_credential ? oci::Hop::kRegistry : oci::Hop::kForeign,
             .send_credential = hop.send_credential,
             .allow_private_address = hop.allow_private_address};
  if (target_.method == http::Method::kHead) {
    // A URL signed for GET answers 403 to HEAD: ask for one byte instead.
    target_.method = http::Method::kGet;
    target_.range_override = "bytes=0-0";
  }
  return Next::kAgain;
}

}  // namespace

Task<After> Forward(Exchange& exchange) {
  if (!exchange.slot.Take(exchange.route->stats->in_flight,
                          exchange.route->limits.max_concurrent_requests)) {
    co_return co_await Refuse(
        exchange,
        oci::ReplyFor(Situation::kRateLimited,
                      "There are too many requests to this registry at once; try again, or ask the "
                      "connector's owner to raise upstream.limits."),
        "too many requests");
  }
  auto first = FirstTarget(exchange);
  if (auto* refusal = std::get_if<ErrorReply>(&first)) {
    co_return co_await Refuse(exchange, std::move(*refusal), "upload session refused");
  }
  Forwarding forwarding(exchange);
  co_return co_await forwarding.Run(std::get<UpstreamTarget>(std::move(first)));
}

}  // namespace connector::dataplane::server
