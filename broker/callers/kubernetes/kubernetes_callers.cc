#include "broker/callers/kubernetes/kubernetes_callers.h"

#include "broker/callers/kubernetes/token_review_verifier.h"
#include "broker/callers/oidc/oidc_verifier.h"
#include "common/async/block_on.h"
#include "common/metrics/families.h"
#include "common/resilience/backoff.h"
#include "common/resilience/random.h"

#include <algorithm>
#include <utility>

namespace connector::broker::callers {
namespace {

constexpr std::chrono::seconds kAskTimeout{5};
constexpr resilience::BackoffOptions kIssuerBackoff{std::chrono::seconds(1),
                                                    std::chrono::seconds(15)};
constexpr std::chrono::seconds kStopTimeout{5};
constexpr const char* kDiscoveryPath = "/.well-known/openid-configuration";
constexpr const char* kKeysPath = "/openid/v1/jwks";

FairQueueOptions QueueOptions(const KubernetesIdentityOptions& limits) {
  FairQueueOptions options;
  options.per_second = limits.max_reviews_per_second;
  return options;
}

}  // namespace

KubernetesCallers::KubernetesCallers(const CallersOptions& options, bool rbac, Parts parts)
    : identity_(options.kubernetes),
      audience_(options.audience),
      rbac_(rbac),
      parts_(std::move(parts)),
      metrics_(parts_.registry),
      tasks_(parts_.executor) {
  auto post = [client = parts_.client](
                  kube::ResourceType type, boost::json::object body, Deadline deadline) {
    return client->Review(type, std::move(body), deadline);
  };
  reviews_ = std::make_shared<ReviewScheduler>(
      std::move(post), QueueOptions(limits()), parts_.executor, [this](const ReviewReport& report) {
        metrics_.Note(report);
      });
  if (identity_ && identity_->issuer.empty()) {
    late_ = std::make_shared<DiscoveredIssuer>();
  }
}

KubernetesCallers::~KubernetesCallers() = default;

KubernetesIdentityOptions KubernetesCallers::limits() const {
  return identity_.value_or(KubernetesIdentityOptions{});
}

std::function<void()> KubernetesCallers::CacheHits(const std::string& kind) {
  return metrics_.CacheHits(kind);
}

Result<IssuerVerifier> KubernetesCallers::MakeVerifier(const std::string& issuer) {
  if (!identity_->jwks) {
    TokenReviewOptions options{issuer,
                               audience_,
                               identity_->positive_cache,
                               identity_->negative_cache,
                               metrics_.CacheHits("tokenreview")};
    // Remembered by itself, for less long.
    return IssuerVerifier{issuer,
                          MakeTokenReviewVerifier(std::move(options), *reviews_, parts_.clock),
                          std::chrono::seconds(0)};
  }
  OidcOptions options;
  // The keys come over our own connection to the API server, whatever the issuer is called.
  options.source = {
      issuer, {}, http::Url{{true, "kubernetes.default.svc", 443}, kKeysPath, {}}, true};
  options.audience = audience_;
  options.kubernetes = true;
  options.on_refresh = parts_.on_refresh;
  auto fetch = [client = parts_.client](
                   const http::Url& url, const std::string& /*ca_pem*/, Deadline deadline) {
    return client->GetRaw(url.path, deadline);
  };
  auto made = MakeOidcVerifier(std::move(options), std::move(fetch), parts_.clock);
  if (!made) {
    return made.error();
  }
  return IssuerVerifier{issuer, std::move(*made)};
}

Result<std::optional<IssuerVerifier>> KubernetesCallers::Verifier() {
  if (!identity_ || late_) {
    return std::optional<IssuerVerifier>();
  }
  auto made = MakeVerifier(identity_->issuer);
  if (!made) {
    return made.error();
  }
  return std::optional<IssuerVerifier>(std::move(*made));
}

Task<Result<IssuerVerifier>> KubernetesCallers::AskForIssuer() {
  const Deadline deadline = std::chrono::steady_clock::now() + kAskTimeout;
  const Result<std::string> document = co_await parts_.client->GetRaw(kDiscoveryPath, deadline);
  if (!document) {
    co_return document.error();
  }
  const Result<std::string> issuer = ReadIssuer(*document);
  if (!issuer) {
    co_return issuer.error();
  }
  co_return MakeVerifier(*issuer);
}

Task<void> KubernetesCallers::Discover() {
  resilience::Backoff backoff(kIssuerBackoff);
  while (true) {
    auto made = co_await AskForIssuer();
    if (made) {
      const std::string issuer = made->issuer;
      late_->Set({issuer, std::move(made->verifier), made->remembered_for});
      parts_.logger.Info("the cluster's issuer is known", {{"issuer", issuer}});
      const std::lock_guard lock(mutex_);
      problem_.clear();
      co_return;
    }
    {
      const std::lock_guard lock(mutex_);
      problem_ = made.error().message;
    }
    parts_.logger.Warning("the Kubernetes API does not tell its issuer; asking again",
                          {{"error", made.error().message}});
    const Deadline next =
        std::chrono::steady_clock::now() + backoff.Next(resilience::RandomFraction());
    if (co_await OneShot<Done>::Wait(stopping_, next)) {
      co_return;
    }
  }
}

Result<Done> KubernetesCallers::Start() {
  if (late_) {
    tasks_.Spawn(Discover());
  }
  return Done{};
}

void KubernetesCallers::Stop(Deadline deadline) {
  stopping_->Set(Done{});
  const Deadline soon = std::chrono::steady_clock::now() + kStopTimeout;
  BlockOn(parts_.executor, tasks_.Close(std::min(deadline, soon)));
}

std::vector<prometheus::MetricFamily> KubernetesCallers::Metrics() const {
  metrics::Families families;
  families.Gauge("connector_broker_review_queue_length",
                 "Reviews that wait for their turn under the ceiling.",
                 {},
                 static_cast<double>(reviews_->queued()));
  return families.Take();
}

void KubernetesCallers::AddReadiness(admin::Readiness& readiness) const {
  if (std::string reason = NotReady(); !reason.empty()) {
    readiness.reasons.push_back(std::move(reason));
  }
}

std::string KubernetesCallers::NotReady() const {
  if (!late_ || late_->Get()) {
    return {};
  }
  const std::lock_guard lock(mutex_);
  return "the Kubernetes API has not told the issuer of its tokens: " + problem_;
}

void KubernetesCallers::AddStatus(admin::StatusReport& status) const {
  std::string issuer = identity_ ? identity_->issuer : std::string();
  if (const auto known = late_ ? late_->Get() : nullptr) {
    issuer = known->issuer;
  }
  status.sections.push_back(
      {"Callers of the cluster",
       {{"Verified by",
         !identity_        ? "nobody"
         : identity_->jwks ? "its keys"
                           : "TokenReview"},
        {"Issuer", issuer.empty() ? "not known yet" : issuer},
        {"RBAC",
         rbac_ ? "get, create, delete on connectors/proxy, then the access rules" : "not asked"},
        {"Reviews that wait", std::to_string(reviews_->queued())}}});
}

std::unique_ptr<KubernetesCallers> MakeKubernetesCallers(const CallersOptions& options,
                                                         bool rbac,
                                                         KubernetesCallers::Parts parts) {
  return rbac || options.kubernetes
             ? std::make_unique<KubernetesCallers>(options, rbac, std::move(parts))
             : nullptr;
}

}  // namespace connector::broker::callers
