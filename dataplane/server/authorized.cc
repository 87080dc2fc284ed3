#include "dataplane/server/authorized.h"

#include "common/async/one_shot.h"

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

Rejection RouteUnknown(const char* sentence) {
  return {oci::ReplyFor(ErrorKind::kBrokerUnavailable, sentence), RequestDecision::kRouteUnknown};
}

// Joins a new grant with the route of its epoch, which may be on its way. Each request waits for
// itself: there is no queue that somebody could fill.
Task<AuthorizeResult> JoinNewGrant(ParsedRequest request,
                                   std::shared_ptr<const token::Grant> grant) {
  Worker& worker = request.context().worker;
  const Deadline give_up = steady_clock::now() + worker.shared.settings.route_wait;
  bool changed = true;
  while (changed) {
    if (worker.routes->stream->SilentFor(steady_clock::now()) >= routes::kMaxRouteSilence) {
      co_return RouteUnknown(
          "No broker has told this data plane of changes for a minute, so that it begins nothing "
          "new; try again later.");
    }
    std::optional<Authorized> authorized = Authorized::Join(request, grant, *worker.routes);
    if (authorized) {
      co_return *std::move(authorized);
    }
    changed = (co_await OneShot<Done>::Wait(worker.routes_changed, give_up)).has_value();
  }
  co_return RouteUnknown(
      "This data plane does not know the newest settings of this connector yet; try again in a "
      "moment.");
}

}  // namespace

std::optional<Authorized> Authorized::Join(ParsedRequest request,
                                           std::shared_ptr<const token::Grant> grant,
                                           const routes::RouteTable& routes) {
  auto route = routes.Find(grant->connector);
  if (route == nullptr || route->epoch != grant->epoch) {
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
  if (record.grant && !(request.is_ping() && record.grant->connector.name.empty())) {
    authorized = Authorized::Join(request, record.grant, *worker.routes);
    if (!authorized) {
      record.grant = nullptr;
    }
  }
  if (record.grant && refresh_due) {
    cache.Refresh(context.cache_key, context.grant_request);
  }
  if (!record.grant) {
    token::GrantRequest grant_request = context.grant_request;
    grant_request.mint_anew = mint_anew;
    token::GrantResult result = co_await cache.Fetch(context.cache_key, std::move(grant_request));
    if (const auto* denial = std::get_if<token::GrantDenial>(&result)) {
      co_return RejectionFor(context, *denial);
    }
    record.grant = std::get<std::shared_ptr<const token::Grant>>(std::move(result));
    if (!request.is_ping()) {
      AuthorizeResult joined = co_await JoinNewGrant(request, record.grant);
      if (std::holds_alternative<Rejection>(joined)) {
        record.route = nullptr;
        co_return joined;
      }
      authorized = std::get<Authorized>(std::move(joined));
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
