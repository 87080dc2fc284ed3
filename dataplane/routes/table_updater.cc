#include "dataplane/routes/table_updater.h"

#include "proto/connector/broker/v1/broker.pb.h"

#include <utility>

namespace connector::dataplane::routes {
namespace {

namespace pb = ::connector::broker::v1;

std::string_view ClassName(pb::SecretClass secret) {
  switch (secret) {
    case pb::SECRET_CLASS_DERIVED:
      return "derived";
    case pb::SECRET_CLASS_BOUNDED:
      return "bounded";
    case pb::SECRET_CLASS_STATIC:
      return "static";
    default:
      return "none";
  }
}

}  // namespace

Result<net::TlsContext> TableUpdater::ContextFor(const std::string& ca_pem) {
  const auto known = contexts_.find(ca_pem);
  if (known != contexts_.end()) {
    return known->second;
  }
  Result<net::TlsContext> made = net::MakeUpstreamContext(ca_pem);
  if (made) {
    contexts_.emplace(ca_pem, *made);
  }
  return made;
}

Result<std::shared_ptr<const Route>> TableUpdater::MakeRoute(const pb::Route& from) {
  auto route = std::make_shared<Route>();
  route->ref = {from.connector().namespace_(), from.connector().name()};
  Result<http::Origin> origin = http::ParseOrigin(from.address());
  if (!origin) {
    return std::move(origin).error();
  }
  route->origin = *std::move(origin);
  Result<net::TlsContext> tls = ContextFor(from.ca_bundle());
  if (!tls) {
    return std::move(tls).error();
  }
  route->tls = *std::move(tls);
  route->tls_profile = from.ca_bundle();
  route->mirror_hosts.assign(from.mirror_hosts().begin(), from.mirror_hosts().end());
  routing::RouteSettings settings = routing::FromProto(from.redirects(), from.limits());
  route->redirects = std::move(settings.redirects);
  route->limits = settings.limits;
  route->allow_insecure = from.allow_insecure_upstream();
  route->docker_hub = from.docker_hub();
  route->epoch = from.epoch();
  route->secret_class = ClassName(from.secret_class());
  std::shared_ptr<RouteStats>& counters = stats_[route->ref];
  if (counters == nullptr) {
    counters = std::make_shared<RouteStats>();
  }
  route->stats = counters;
  return std::shared_ptr<const Route>(std::move(route));
}

std::shared_ptr<const crypto::SealKeys> TableUpdater::MakeKeys(
    const pb::WatchRoutesResponse& update) {
  auto keys = std::make_shared<crypto::SealKeys>();
  for (const pb::SealingKey& from : update.sealing_keys()) {
    Result<Done> added = keys->Add(from.id(), Secret(from.key()));
    if (added && from.current()) {
      added = keys->SetCurrent(from.id());
    }
    if (!added) {
      logger_.Error("sealing key refused", {{"id", from.id()}, {"reason", added.error().message}});
    }
  }
  return keys;
}

std::shared_ptr<const RouteTable> TableUpdater::Apply(const RouteTable& table,
                                                      const pb::WatchRoutesResponse& update) {
  auto next = std::make_shared<RouteTable>(update.snapshot() ? RouteTable{} : table);
  for (const pb::ConnectorRef& gone : update.removed()) {
    next->routes.erase({gone.namespace_(), gone.name()});
  }
  for (const pb::Route& from : update.routes()) {
    const ConnectorRef ref{from.connector().namespace_(), from.connector().name()};
    Result<std::shared_ptr<const Route>> route = MakeRoute(from);
    if (route) {
      next->routes[ref] = *std::move(route);
    } else {
      // Fail closed: a route that cannot be understood serves nobody.
      next->routes.erase(ref);
      logger_.Error("route refused",
                    {{"connector", ref.ToString()}, {"reason", route.error().message}});
    }
  }
  if (update.sealing_keys_size() > 0) {
    next->sealing_keys = MakeKeys(update);
  }
  return next;
}

}  // namespace connector::dataplane::routes
