#include "broker/api/route_update.h"

#include "broker/api/to_proto.h"

#include <string_view>

namespace connector::broker::api {
namespace {

void FillRoute(v1::Route& route, const connectors::CatalogEntry& entry) {
  const resource::Connector& connector = *entry.connector;
  *route.mutable_connector() = api::ToProto(connector.ref);
  route.set_address(connector.address.ToString());
  route.set_ca_bundle(entry.ca_pem);
  for (const std::string& host : connector.MirrorHosts()) {
    route.add_mirror_hosts(host);
  }
  routing::ToProto({connector.upstream.redirects, connector.upstream.limits},
                   *route.mutable_redirects(),
                   *route.mutable_limits());
  route.set_secret_class(api::ToProto(resource::ClassOf(connector.auth.kind)));
  route.set_allow_insecure_upstream(connector.upstream.allow_insecure);
  route.set_docker_hub(connector.IsDockerHub());
  route.set_epoch(entry.epoch);
}

}  // namespace

v1::WatchRoutesResponse RouteSnapshot(const connectors::CatalogSnapshot& now,
                                      const std::vector<SealingKey>& keys) {
  v1::WatchRoutesResponse response;
  response.set_snapshot(true);
  for (const auto& [ref, entry] : now.entries) {
    FillRoute(*response.add_routes(), *entry);
  }
  SetSealingKeys(response, keys);
  return response;
}

v1::WatchRoutesResponse RouteChanges(const connectors::CatalogSnapshot& sent,
                                     const connectors::CatalogSnapshot& now) {
  v1::WatchRoutesResponse response;
  for (const auto& [ref, entry] : now.entries) {
    const auto before = sent.Find(ref);
    // An equal epoch means an equal route: the epoch is a digest of everything in the route.
    if (!before || before->epoch != entry->epoch) {
      FillRoute(*response.add_routes(), *entry);
    }
  }
  for (const auto& [ref, entry] : sent.entries) {
    if (!now.Find(ref)) {
      *response.add_removed() = api::ToProto(ref);
    }
  }
  return response;
}

void SetSealingKeys(v1::WatchRoutesResponse& response, const std::vector<SealingKey>& keys) {
  response.clear_sealing_keys();
  for (const SealingKey& key : keys) {
    v1::SealingKey& out = *response.add_sealing_keys();
    const std::string_view bytes = key.key.Reveal();
    out.set_id(key.id);
    out.set_key(bytes.data(), bytes.size());
    out.set_current(key.current);
  }
}

bool IsEmpty(const v1::WatchRoutesResponse& response) {
  return response.routes().empty() && response.removed().empty() && response.sealing_keys().empty();
}

}  // namespace connector::broker::api
