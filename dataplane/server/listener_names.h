#pragma once

// ListenerNames: what a worker answers to the name that a client's handshake asks for (SNI). Hosts
// of its routes, and of its own Service, get a certificate from the broker; every other name costs
// a look into the route table and nothing more.

#include "dataplane/certificates/certificate_cache.h"
#include "dataplane/net/server_names.h"
#include "dataplane/routes/route_table.h"
#include "dataplane/server/worker.h"

#include <string>
#include <string_view>
#include <vector>

namespace connector::dataplane::server {

// Whether `host`, in lower case, is one that the broker certifies: of a connector in `routes`, or
// one of `dataplane_hosts`.
[[nodiscard]] bool IsServedHost(const std::string& host,
                                const std::vector<std::string>& certified_suffixes,
                                const std::vector<std::string>& dataplane_hosts,
                                const routes::RouteTable& routes);

// Belongs to one worker and one listener.
class ListenerNames final : public net::ServerNames {
 public:
  // `has_own`: the listener has a certificate of its own, for all names that are not served. All
  // outlive it.
  ListenerNames(Worker& worker,
                certificates::CertificateCache& certificates,
                const std::vector<std::string>& dataplane_hosts,
                bool has_own)
      : worker_(worker),
        certificates_(certificates),
        dataplane_hosts_(dataplane_hosts),
        has_own_(has_own) {}

  [[nodiscard]] Answer Find(std::string_view name) override;
  [[nodiscard]] Task<Result<net::ServerCertificatePtr>> Wait(std::string name,
                                                             Deadline deadline) override;

 private:
  [[nodiscard]] std::string HostOf(std::string_view name) const;

  Worker& worker_;
  certificates::CertificateCache& certificates_;
  const std::vector<std::string>& dataplane_hosts_;
  const bool has_own_;
};

}  // namespace connector::dataplane::server
