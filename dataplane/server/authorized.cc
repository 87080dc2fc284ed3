#include "dataplane/server/authorized.h"

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

}  // namespace

std::optional<Authorized> Authorized::FromCache(ParsedRequest request,
                                                std::shared_ptr<const token::Grant> grant,
                                                const routes::RouteTable& routes) {
  auto route = routes.Find(grant->connector);
  if (route == nullptr || route->epoch != grant->epoch) {
    return std::nullopt;
  }
  return Authorized(request, std::move(grant), std::move(route));
}

std::optional<Authorized> Authorized::FromBroker(ParsedRequest request,
                                                 std::shared_ptr<const token::Grant> grant,
                                                 const routes::RouteTable& routes) {
  auto route = routes.Find(grant->connector);
  if (route == nullptr) {
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
    authorized = Authorized::FromCache(request, record.grant, *worker.routes);
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
      authorized = Authorized::FromBroker(request, record.grant, *worker.routes);
    }
  }
  record.granted = steady_clock::now();
  if (request.is_ping()) {
    record.decision = RequestDecision::kAllowed;
    co_return CallerKnown{};
  }
  if (!authorized) {
    record.route = nullptr;
    co_return Rejection{oci::ReplyFor(ErrorKind::kBrokerUnavailable,
                                      "This connector is new here; try again in a second."),
                        RequestDecision::kRouteUnknown};
  }
  record.route = authorized->shared_route();
  record.decision = RequestDecision::kAllowed;
  co_return *std::move(authorized);
}

}  // namespace connector::dataplane::server
