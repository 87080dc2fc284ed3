#include "broker/api/route_update.h"

#include "broker/api/to_proto.h"
#include "common/routing/upstream_policy_proto.h"

#include <algorithm>
#include <utility>

namespace connector::broker::api {
namespace {

void FillPolicy(v1::Route& route, const routing::UpstreamPolicy& policy) {
  if (!policy.narrowed_by) {
    routing::ToProto(policy, *route.mutable_upstream_policy());
    return;
  }
  routing::ToProto(policy, *route.mutable_narrowed_upstream_policy()->mutable_platform());
  routing::ToProto(*policy.narrowed_by,
                   *route.mutable_narrowed_upstream_policy()->mutable_connector_class());
  // For data planes that know only this field: half of the rules would lead too far.
  routing::ToProto(routing::ClassPolicy{}, *route.mutable_upstream_policy());
}

void FillRoute(v1::Route& route, const connectors::CatalogEntry& entry) {
  const resource::Connector& connector = *entry.connector;
  *route.mutable_connector() = api::ToProto(connector.ref);
  route.set_address(connector.address.ToString());
  route.set_ca_digest(entry.ca.digest());
  for (const std::string& host : connector.MirrorHosts()) {
    route.add_mirror_hosts(host);
  }
  routing::ToProto({connector.upstream.redirects, connector.upstream.limits},
                   *route.mutable_redirects(),
                   *route.mutable_limits());
  route.set_secret_class(api::ToProto(resource::ClassOf(connector.auth.kind)));
  route.set_allow_insecure_upstream(connector.upstream.allow_insecure);
  route.set_docker_hub(connector.IsDockerHub());
  FillPolicy(route, *entry.policy);
  route.set_epoch(entry.epoch);
}

}  // namespace

RouteUpdate::RouteUpdate(const WatchState& sent, WatchState now)
    : now_(std::move(now)), snapshot_(sent.routes == nullptr) {
  static const connectors::CatalogSnapshot nothing;
  const connectors::CatalogSnapshot& before = snapshot_ ? nothing : *sent.routes;
  for (const auto& [ref, entry] : before.entries) {
    known_bundles_.insert(entry->ca.digest());
    if (!now_.routes->Find(ref)) {
      removed_.push_back(ref);
    }
  }
  known_bundles_.insert(std::string());  // Of connectors without one.
  for (const auto& [ref, entry] : now_.routes->entries) {
    // An equal epoch means an equal route: the epoch is a digest of everything in the route.
    const auto old = before.Find(ref);
    if (!old || old->epoch != entry->epoch) {
      changed_.push_back(entry);
    }
  }
  std::reverse(removed_.begin(), removed_.end());
  std::reverse(changed_.begin(), changed_.end());
  const bool deny_list = sent.deny_list != now_.deny_list;
  done_ = !snapshot_ && !deny_list && removed_.empty() && changed_.empty();
}

std::size_t RouteUpdate::AddRemoved(v1::WatchRoutesResponse& part) {
  v1::ConnectorRef& out = *part.add_removed();
  out = api::ToProto(removed_.back());
  removed_.pop_back();
  return out.ByteSizeLong();
}

std::size_t RouteUpdate::AddRoute(v1::WatchRoutesResponse& part) {
  const EntryPtr entry = std::move(changed_.back());
  changed_.pop_back();
  std::size_t size = 0;
  if (known_bundles_.insert(entry->ca.digest()).second) {
    v1::CaBundle& bundle = *part.add_ca_bundles();
    bundle.set_digest(entry->ca.digest());
    bundle.set_pem(entry->ca.pem());
    size += bundle.ByteSizeLong();
  }
  v1::Route& route = *part.add_routes();
  FillRoute(route, *entry);
  return size + route.ByteSizeLong();
}

v1::WatchRoutesResponse RouteUpdate::NextPart() {
  v1::WatchRoutesResponse part;
  part.set_snapshot(std::exchange(snapshot_, false));
  std::size_t size = 0;
  while (size < kRoutePartBytes && !(removed_.empty() && changed_.empty())) {
    size += removed_.empty() ? AddRoute(part) : AddRemoved(part);
  }
  done_ = removed_.empty() && changed_.empty();
  part.set_end(done_);
  if (done_) {
    part.set_deny_list(now_.deny_list);
  }
  return part;
}

}  // namespace connector::broker::api
