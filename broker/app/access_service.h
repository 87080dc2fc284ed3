#pragma once

// AccessService: what the broker asks the Kubernetes API about callers, put together: token reviews
// or the cluster's keys, access reviews, the ceiling on both, their metrics. Only where the
// configuration names identity.kubernetes or access.mode rbac.

#include "broker/app/options.h"
#include "broker/authorization/access_reviewer.h"
#include "broker/callers/discovered_issuer.h"
#include "broker/callers/key_refresh.h"
#include "broker/callers/kubernetes/review_scheduler.h"
#include "broker/callers/verifier_chain.h"
#include "common/admin/status_report.h"
#include "common/async/one_shot.h"
#include "common/async/scope.h"
#include "common/kube/api_client.h"
#include "common/log/log.h"

#include <prometheus/collectable.h>
#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace connector::broker::app {

class AccessService {
 public:
  // All outlive the service, and the client the executor's work.
  struct Parts {
    kube::ApiClient& client;
    const Clock& clock;
    asio::io_context& io;
    log::Logger& logger;
    prometheus::Registry& registry;
    callers::KeyRefreshObserver on_refresh;
  };

  AccessService(const Options& options, Parts parts);
  ~AccessService();
  AccessService(const AccessService&) = delete;
  AccessService& operator=(const AccessService&) = delete;

  // Null: the access rules alone.
  [[nodiscard]] authorization::AccessReviewer* reviewer() const { return reviewer_.get(); }

  // Of the cluster's tokens, where the configuration names their issuer; none elsewhere.
  [[nodiscard]] Result<std::optional<callers::IssuerVerifier>> Verifier();
  // Null unless the API server has to be asked for the issuer.
  [[nodiscard]] std::shared_ptr<const callers::DiscoveredIssuer> discovered_issuer() const {
    return late_;
  }

  // Begins to ask for the issuer, until it is told. Threads must run the executor.
  void Start();
  // Blocks; before the executor stops.
  void Stop();

  // Why nobody of the cluster can be verified yet; empty when somebody can.
  [[nodiscard]] std::string NotReady() const;
  [[nodiscard]] admin::StatusSection Section() const;
  [[nodiscard]] std::shared_ptr<prometheus::Collectable> state_metrics() const;

 private:
  class Metrics;
  [[nodiscard]] Result<callers::IssuerVerifier> MakeVerifier(const std::string& issuer);
  [[nodiscard]] Task<void> Discover();
  [[nodiscard]] Task<Result<callers::IssuerVerifier>> AskForIssuer();

  const std::optional<KubernetesIdentityOptions> identity_;
  const std::string audience_;
  Parts parts_;
  std::unique_ptr<Metrics> metrics_;
  std::shared_ptr<callers::ReviewScheduler> reviews_;
  std::unique_ptr<authorization::AccessReviewer> reviewer_;
  std::shared_ptr<callers::DiscoveredIssuer> late_;
  Scope scope_;
  const std::shared_ptr<OneShot<Done>> stopping_ = std::make_shared<OneShot<Done>>();

  mutable std::mutex mutex_;
  std::string problem_ = "it was not asked yet";
};

}  // namespace connector::broker::app
