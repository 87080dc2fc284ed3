#include "dataplane/server/listener_names.h"

#include "common/base/ascii.h"
#include "common/routing/connector_host.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace connector::dataplane::server {

bool IsServedHost(const std::string& host,
                  const std::vector<std::string>& certified_suffixes,
                  const std::vector<std::string>& dataplane_hosts,
                  const routes::RouteTable& routes) {
  const std::optional<ConnectorRef> ref =
      routing::ConnectorOfCertifiedHost(host, certified_suffixes);
  return (ref && routes.Find(*ref) != nullptr) ||
         std::find(dataplane_hosts.begin(), dataplane_hosts.end(), host) != dataplane_hosts.end();
}

// As the certificate names it. A client that names nothing came by an address: it gets the name of
// our Service, if there is one and nothing better.
std::string ListenerNames::HostOf(std::string_view name) const {
  std::string host = Lower(name);
  if (host.ends_with('.')) {
    host.pop_back();
  }
  if (host.empty() && !has_own_ && !dataplane_hosts_.empty()) {
    host = dataplane_hosts_.front();
  }
  return host;
}

net::ServerNames::Answer ListenerNames::Find(std::string_view name) {
  const std::string host = HostOf(name);
  if (!IsServedHost(
          host, worker_.shared.settings.certified_suffixes, dataplane_hosts_, *worker_.routes)) {
    if (!has_own_) {
      worker_.counters.tls_names_unknown.Add();
    }
    return {has_own_ ? Choice::kContext : Choice::kUnknown};
  }
  net::ServerCertificatePtr certificate = certificates_.Find(host);
  const Choice choice = certificate == nullptr ? Choice::kWait : Choice::kFound;
  return {choice, std::move(certificate)};
}

Task<Result<net::ServerCertificatePtr>> ListenerNames::Wait(std::string name, Deadline deadline) {
  return certificates_.Fetch(HostOf(name), deadline);
}

}  // namespace connector::dataplane::server
