#pragma once

// ForwardingService: the clients' requests and what they need of a broker, which are the routes,
// the sealing keys and the grants, with their metrics and their part of the status page. It has
// threads of its own: one per core, one that follows the routes, and one that asks for the keys.

#include "common/program/runtime.h"
#include "dataplane/app/metrics.h"
#include "dataplane/app/options.h"
#include "dataplane/certificates/certificate_cache.h"
#include "dataplane/certificates/grpc_certificate_issuer.h"
#include "dataplane/routes/route_watcher.h"
#include "dataplane/routes/sealing_key_poller.h"
#include "dataplane/server/server.h"
#include "dataplane/token/grant_cache.h"
#include "dataplane/token/grpc_issuer.h"

#include <prometheus/metric_family.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace grpc {
class ChannelInterface;
}

namespace connector::dataplane::app {

class ForwardingService final : public program::Component {
 public:
  // Both outlive it.
  ForwardingService(program::Runtime& runtime, const DataplaneOptions& options);

  // Opens the listeners, then follows the routes.
  Result<Done> Start() override;
  // Requests under way finish, up to drainTimeout. Routes are followed until then, so that a
  // connector that is revoked meanwhile is revoked for these too.
  void Stop(Deadline deadline) override;

  [[nodiscard]] std::vector<prometheus::MetricFamily> Metrics() const override;
  void AddReadiness(admin::Readiness& readiness) const override;
  void AddStatus(admin::StatusReport& status) const override;

  [[nodiscard]] std::vector<std::uint16_t> ports() const;  // In the order of the listeners.

 private:
  [[nodiscard]] DataplaneSources Sources() const;
  void AddRouteReadiness(admin::Readiness& readiness) const;
  void AddKeyReadiness(admin::Readiness& readiness) const;
  void TakeRoutes(std::shared_ptr<const routes::RouteTable> table);
  [[nodiscard]] bool IsServed(const std::string& host, const routes::RouteTable& routes) const;

  program::Runtime& runtime_;
  const DataplaneOptions& options_;
  const std::shared_ptr<grpc::ChannelInterface> broker_;
  std::unique_ptr<token::GrpcIssuer> issuer_;  // Null once stopped: nobody waits for a grant then.
  token::GrantCache grants_;
  // Both null where no listener asks the broker; the issuer also once stopped.
  std::unique_ptr<certificates::GrpcCertificateIssuer> certificate_issuer_;
  Result<std::unique_ptr<certificates::CertificateCache>> certificates_;
  server::Server server_;
  routes::RouteWatcher watcher_;
  routes::SealingKeyPoller sealing_keys_;
};

}  // namespace connector::dataplane::app
