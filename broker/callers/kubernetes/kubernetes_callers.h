#pragma once

// KubernetesCallers: what the broker asks the Kubernetes API about callers, put together: token
// reviews or the cluster's keys, the issuer where the configuration does not name it, the ceiling
// on all reviews, their metrics. The reviews of access (authorization/) share the ceiling.

#include "broker/callers/callers_options.h"
#include "broker/callers/discovered_issuer.h"
#include "broker/callers/key_refresh.h"
#include "broker/callers/kubernetes/review_metrics.h"
#include "broker/callers/kubernetes/review_scheduler.h"
#include "broker/callers/oidc/issuer_keys.h"
#include "broker/callers/verifier_chain.h"
#include "common/async/one_shot.h"
#include "common/async/task_group.h"
#include "common/kube/api_client.h"
#include "common/log/log.h"
#include "common/program/component.h"
#include "common/resilience/single_flight.h"

#include <prometheus/registry.h>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace connector::broker::callers {

class KubernetesCallers final : public program::Component {
 public:
  // All outlive it, and the client the executor's work.
  struct Parts {
    kube::ApiClient* client = nullptr;
    const Clock& clock;
    Executor executor;
    log::Logger& logger;
    prometheus::Registry& registry;
    KeyRefreshObserver on_refresh;
  };

  // `rbac`: the API is asked about access too.
  KubernetesCallers(const CallersOptions& options, bool rbac, Parts parts);
  ~KubernetesCallers() override;

  // Of the cluster's tokens, where the configuration names their issuer; none elsewhere.
  [[nodiscard]] Result<std::optional<IssuerVerifier>> Verifier();
  // Null unless the API server has to be asked for the issuer.
  [[nodiscard]] std::shared_ptr<const DiscoveredIssuer> discovered_issuer() const { return late_; }

  // For reviews of access. `kind` as in ReviewReport.
  [[nodiscard]] ReviewScheduler& reviews() { return *reviews_; }
  [[nodiscard]] KubernetesIdentityOptions limits() const;
  [[nodiscard]] std::function<void()> CacheHits(const std::string& kind);

  // Begins to ask for the issuer: until it is told, and then again and again.
  [[nodiscard]] Result<Done> Start() override;
  void Stop(Deadline deadline) override;
  [[nodiscard]] std::vector<prometheus::MetricFamily> Metrics() const override;
  void AddReadiness(admin::Readiness& readiness) const override;
  void AddStatus(admin::StatusReport& status) const override;

  // Why nobody of the cluster can be verified yet; empty when somebody can.
  [[nodiscard]] std::string NotReady() const;

 private:
  [[nodiscard]] Result<IssuerVerifier> MakeVerifier(const std::string& issuer);
  [[nodiscard]] Task<void> Discover();
  [[nodiscard]] Task<Result<IssuerVerifier>> AskForIssuer();
  void Learned(Result<IssuerVerifier> made);
  [[nodiscard]] Task<Done> LearnAgain(Deadline deadline);
  void NoteKeys(const KeyRefresh& refresh);
  [[nodiscard]] std::string Signatures() const;

  const std::optional<KubernetesIdentityOptions> identity_;
  const std::string audience_;
  const bool require_connector_audience_;
  const bool rbac_;
  Parts parts_;
  ReviewMetrics metrics_;
  std::shared_ptr<ReviewScheduler> reviews_;
  std::shared_ptr<IssuerKeys> keys_;  // Of the cluster, for tokens that are reviewed; else null.
  std::shared_ptr<DiscoveredIssuer> late_;
  TaskGroup tasks_;

  mutable std::mutex mutex_;
  std::string problem_ = "it was not asked yet";
  bool stopping_ = false;
  bool keys_missing_ = false;
  std::shared_ptr<OneShot<Done>> wake_ = std::make_shared<OneShot<Done>>();  // Ends the pause.
  std::chrono::steady_clock::time_point asked_at_{};
  resilience::SingleFlight<Done> asking_;
};

// Null where the Kubernetes API is asked about nobody: the configuration has neither
// identity.kubernetes nor `rbac`.
[[nodiscard]] std::unique_ptr<KubernetesCallers> MakeKubernetesCallers(
    const CallersOptions& options, bool rbac, KubernetesCallers::Parts parts);

}  // namespace connector::broker::callers
