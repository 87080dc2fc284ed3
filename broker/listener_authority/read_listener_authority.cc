#include "broker/listener_authority/read_listener_authority.h"

#include "common/routing/connector_host.h"

#include "proto/connector/config/v1/broker.pb.h"

namespace connector::broker::listener_authority {

ListenerAuthorityOptions ReadListenerAuthority(const config::v1::ListenerAuthority& from,
                                               config::OptionsReader& reader) {
  ListenerAuthorityOptions out;
  out.certified_suffixes =
      routing::CertifiedSuffixes({from.host_suffixes().begin(), from.host_suffixes().end()});
  for (int i = 0; i < from.host_suffixes_size(); ++i) {
    if (!routing::IsHostSuffix(from.host_suffixes(i))) {
      reader.Complain("listenerAuthority.hostSuffixes[" + std::to_string(i) + "]",
                      "must be lower-case DNS labels without a leading dot, for example svc");
    }
  }
  out.dataplane_hosts = {from.dataplane_hosts().begin(), from.dataplane_hosts().end()};
  for (std::size_t i = 0; i < out.dataplane_hosts.size(); ++i) {
    if (!routing::IsBelowSuffix(out.dataplane_hosts[i], out.certified_suffixes)) {
      reader.Complain(
          "listenerAuthority.dataplaneHosts[" + std::to_string(i) + "]",
          "must be a lower-case DNS name below svc, svc.local, svc.cluster.local or one of "
          "hostSuffixes, which are all that the authority can certify");
    }
  }
  return out;
}

}  // namespace connector::broker::listener_authority
