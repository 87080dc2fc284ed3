#include "broker/listener_authority/read_listener_authority.h"

#include "common/routing/connector_host.h"

#include "proto/connector/config/v1/broker.pb.h"

namespace connector::broker::listener_authority {

ListenerAuthorityOptions ReadListenerAuthority(const config::v1::ListenerAuthority& from,
                                               config::OptionsReader& reader) {
  ListenerAuthorityOptions out;
  out.host_suffixes = {from.host_suffixes().begin(), from.host_suffixes().end()};
  if (out.host_suffixes.empty()) {
    out.host_suffixes = routing::DefaultHostSuffixes();
  }
  for (std::size_t i = 0; i < out.host_suffixes.size(); ++i) {
    if (!routing::IsHostSuffix(out.host_suffixes[i])) {
      reader.Complain("listenerAuthority.hostSuffixes[" + std::to_string(i) + "]",
                      "must be lower-case DNS labels without a leading dot, for example svc");
    }
  }
  out.dataplane_hosts = {from.dataplane_hosts().begin(), from.dataplane_hosts().end()};
  for (std::size_t i = 0; i < out.dataplane_hosts.size(); ++i) {
    if (!routing::IsBelowSuffix(out.dataplane_hosts[i], out.host_suffixes)) {
      reader.Complain("listenerAuthority.dataplaneHosts[" + std::to_string(i) + "]",
                      "must be a lower-case DNS name below one of hostSuffixes, which are all that "
                      "the authority can certify");
    }
  }
  return out;
}

}  // namespace connector::broker::listener_authority
