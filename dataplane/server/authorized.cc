#include "dataplane/server/authorized.h"

#include "common/async/one_shot.h"
#include "common/base/keyed_version.h"

#include <algorithm>
#include <utility>

namespace connector::dataplane::server {
namespace {

using oci::ErrorKind;
using std::chrono::steady_clock;

Rejection RejectionFor(RequestContext& context, const token::GrantDenial& denial) {
  const WorkerShared& shared = context.worker.shared;
  if (denial.reason != oci::DenialReason::kBrokerUnavailable) {
    return {oci::ReplyFor(denial.reason, denial.message, denial.retry_after),
            RequestDecision::kDenied};
  }
  shared.logger.Warning("no grant from the broker",
                        {{"request_id", context.request_id}, {"reason", denial.message}});
  shared.recent_errors.Add({context.record.started_at,
                            context.grant_request.connector.name,
                            "no grant from the broker"});
  return {oci::ReplyFor(ErrorKind::kBrokerUnavailable), RequestDecision::kBrokerUnavailable};
}

token::RefusedTokens::Sent SentBy(const RequestContext& context) {
  return {context.client.source, context.client.token_hash, steady_clock::now()};
}

// Refuses what the broker need not be asked about.
std::optional<Rejection> RefuseUnasked(RequestContext& context) {
  using Answer = token::RefusedTokens::Answer;
  token::RefusedTokens& refused_tokens = context.worker.shared.budgets.refused_tokens;
  const token::RefusedTokens::Decision decision = refused_tokens.Decide(SentBy(context));
  switch (decision.answer) {
    case Answer::kAsk:
      return std::nullopt;
    case Answer::kRefused:
      context.worker.counters.tokens_refused_again.Add();
      return Rejection{oci::ReplyFor(ErrorKind::kUnauthenticated), RequestDecision::kDenied};
    case Answer::kAddressFull:
      break;
  }
  context.worker.counters.tokens_of_full_address.Add();
  // Nobody knows yet whether this one is good, so it is not said to be bad.
  oci::ErrorReply reply = oci::ReplyFor(
      ErrorKind::kRateLimited,
      "Too many tokens that came from this address were not accepted; try again later.");
  reply.retry_after = decision.retry_after;
  return Rejection{std::move(reply), RequestDecision::kTooManyRequests};
}

// What the broker said of the caller's token, whatever it said of the request.
void Remember(const RequestContext& context, const token::GrantResult& result) {
  token::RefusedTokens& refused_tokens = context.worker.shared.budgets.refused_tokens;
  const auto* const denial = std::get_if<token::GrantDenial>(&result);
  if (denial != nullptr && denial->reason == oci::DenialReason::kCallerUnauthenticated) {
    refused_tokens.Refused(SentBy(context));
  } else if (denial == nullptr || !denial->subject.empty()) {
    refused_tokens.Accepted(SentBy(context));
  }
}

Rejection RouteUnknown(const char* sentence) {
  return {oci::ReplyFor(ErrorKind::kBrokerUnavailable, sentence), RequestDecision::kRouteUnknown};
}

// One of two brokers may be behind: then either the route of a grant is on its way, or the grant is
// older than the route and its epoch never comes. So the route is awaited for this long, and then
// another grant is asked for.
constexpr std::chrono::milliseconds kAskAgainAfter{200};

bool IsSilent(const Worker& worker) {
  return worker.routes->stream->SilentFor(steady_clock::now()) >= routes::kMaxRouteSilence;
}

// None: the route of its epoch did not come before `give_up`. Each request waits for itself: there
// is no queue that somebody could fill.
Task<std::optional<Authorized>> JoinNewGrant(ParsedRequest request,
                                             std::shared_ptr<const token::Grant> grant,
                                             Deadline give_up) {
  Worker& worker = request.context().worker;
  bool changed = true;
  while (changed && !IsSilent(worker)) {
    std::optional<Authorized> authorized = Authorized::Join(request, grant, *worker.routes);
    if (authorized) {
      co_return authorized;
    }
    changed = (co_await OneShot<Done>::Wait(worker.routes_changed, give_up)).has_value();
  }
  co_return std::nullopt;
}

// A new grant of the broker, and the route of its epoch. A ping has no route.
Task<AuthorizeResult> FetchAndJoin(ParsedRequest request, bool mint_anew) {
  RequestContext& context = request.context();
  Worker& worker = context.worker;
  const Deadline give_up = steady_clock::now() + worker.shared.settings.route_wait;
  do {
    token::GrantRequest grant_request = context.grant_request;
    grant_request.mint_anew = std::exchange(mint_anew, false);
    token::GrantResult result =
        co_await worker.shared.grants.Fetch(context.cache_key, std::move(grant_request));
    Remember(context, result);
    if (const auto* denial = std::get_if<token::GrantDenial>(&result)) {
      co_return RejectionFor(context, *denial);
    }
    context.record.grant = std::get<std::shared_ptr<const token::Grant>>(std::move(result));
    if (request.is_ping()) {
      co_return CallerKnown{};
    }
    std::optional<Authorized> authorized =
        co_await JoinNewGrant(request,
                              context.record.grant,
                              std::min(give_up, Deadline(steady_clock::now() + kAskAgainAfter)));
    if (authorized) {
      co_return *std::move(authorized);
    }
  } while (!IsSilent(worker) && steady_clock::now() < give_up);
  context.record.route = nullptr;
  co_return IsSilent(worker)
      ? RouteUnknown(
            "No broker has told this data plane of changes for a minute, so that it begins nothing "
            "new; try again later.")
      : RouteUnknown(
            "This data plane does not know the newest settings of this connector yet; try again in "
            "a moment.");
}

}  // namespace

void Authorized::NoteError(std::string what) const {
  context().worker.shared.recent_errors.Add(
      {context().record.started_at, route().ref.ToString(), std::move(what)});
}

std::optional<Authorized> Authorized::Join(ParsedRequest request,
                                           std::shared_ptr<const token::Grant> grant,
                                           const routes::RouteTable& routes) {
  auto route = routes.Find(grant->connector);
  if (route == nullptr || !SameVersion(route->epoch, grant->epoch) ||
      !SameVersion(grant->deny_list, routes.deny_list)) {
    return std::nullopt;
  }
  return Authorized(request, std::move(grant), std::move(route));
}

Task<AuthorizeResult> Authorize(ParsedRequest request, bool mint_anew) {
  RequestContext& context = request.context();
  Worker& worker = context.worker;
  RequestRecord& record = context.record;
  token::GrantCache& cache = worker.shared.grants;
  bool refresh_due = false;
  record.grant =
      mint_anew ? nullptr : cache.Find(context.cache_key, worker.timers.WallNow(), refresh_due);
  std::optional<Authorized> authorized;
  // A ping's grant only says who the caller is: it names no connector, and belongs to no route.
  if (record.grant && request.is_ping() && record.grant->connector.name.empty()) {
    record.grant =
        SameVersion(record.grant->deny_list, worker.routes->deny_list) ? record.grant : nullptr;
  } else if (record.grant) {
    authorized = Authorized::Join(request, record.grant, *worker.routes);
    if (!authorized) {
      record.grant = nullptr;
    }
  }
  if (record.grant && refresh_due) {
    cache.Refresh(context.cache_key, context.grant_request);
  }
  if (!record.grant) {
    if (std::optional<Rejection> refused = RefuseUnasked(context)) {
      co_return *std::move(refused);
    }
    AuthorizeResult fetched = co_await FetchAndJoin(request, mint_anew);
    if (std::holds_alternative<Rejection>(fetched)) {
      co_return fetched;
    }
    if (auto* joined = std::get_if<Authorized>(&fetched)) {
      authorized = std::move(*joined);
    }
  }
  record.granted = steady_clock::now();
  if (request.is_ping()) {
    record.decision = RequestDecision::kAllowed;
    co_return CallerKnown{};
  }
  record.route = authorized->shared_route();
  record.decision = RequestDecision::kAllowed;
  co_return *std::move(authorized);
}

}  // namespace connector::dataplane::server
