#include "broker/app/access_service.h"

#include "broker/authorization/rbac_reviewer.h"
#include "broker/callers/kubernetes/token_review_verifier.h"
#include "broker/callers/oidc/oidc_verifier.h"
#include "common/metrics/buckets.h"
#include "common/metrics/families.h"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <future>
#include <utility>

namespace connector::broker::app {
namespace {

constexpr std::chrono::seconds kAskTimeout{5};
constexpr std::chrono::seconds kFirstRetry{1};
constexpr std::chrono::seconds kLastRetry{15};
constexpr std::chrono::seconds kStopTimeout{5};
constexpr const char* kDiscoveryPath = "/.well-known/openid-configuration";
constexpr const char* kKeysPath = "/openid/v1/jwks";

callers::FairQueueOptions QueueOptions(const std::optional<KubernetesIdentityOptions>& identity) {
  callers::FairQueueOptions options;
  options.per_second = identity.value_or(KubernetesIdentityOptions{}).max_reviews_per_second;
  return options;
}

class QueueMetrics final : public prometheus::Collectable {
 public:
  explicit QueueMetrics(std::shared_ptr<callers::ReviewScheduler> reviews)
      : reviews_(std::move(reviews)) {}
  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override {
    metrics::Families families;
    families.Gauge("connector_broker_review_queue_length",
                   "Reviews that wait for their turn under the ceiling.",
                   {},
                   static_cast<double>(reviews_->queued()));
    return families.Take();
  }

 private:
  const std::shared_ptr<callers::ReviewScheduler> reviews_;
};

}  // namespace

// Thread-safe. Labels have a fixed set of values.
class AccessService::Metrics {
 public:
  explicit Metrics(prometheus::Registry& registry)
      : reviews_(prometheus::BuildCounter()
                     .Name("connector_broker_reviews_total")
                     .Help("Questions to the Kubernetes API about callers, by kind and result.")
                     .Register(registry)),
        hits_(prometheus::BuildCounter()
                  .Name("connector_broker_review_cache_hits_total")
                  .Help("Questions about callers that a remembered answer spared, by kind.")
                  .Register(registry)),
        wait_(prometheus::BuildHistogram()
                  .Name("connector_broker_review_wait_seconds")
                  .Help("How long a review waited for its turn under the ceiling.")
                  .Register(registry)
                  .Add({}, metrics::LatencyBuckets())) {}

  void Note(const callers::ReviewReport& report) {
    reviews_
        .Add({{"kind", std::string(report.kind)},
              {"result", std::string(callers::ToString(report.result))}})
        .Increment();
    wait_.Observe(std::chrono::duration<double>(report.waited).count());
  }
  [[nodiscard]] std::function<void()> HitsOf(const std::string& kind) {
    return [&counter = hits_.Add({{"kind", kind}})] { counter.Increment(); };
  }

 private:
  prometheus::Family<prometheus::Counter>& reviews_;
  prometheus::Family<prometheus::Counter>& hits_;
  prometheus::Histogram& wait_;
};

AccessService::AccessService(const Options& options, Parts parts)
    : identity_(options.kubernetes_identity),
      audience_(options.audience),
      parts_(std::move(parts)),
      metrics_(std::make_unique<Metrics>(parts_.registry)),
      scope_(parts_.io.get_executor()) {
  auto post = [&client = parts_.client](
                  kube::ResourceType type, boost::json::object body, Deadline deadline) {
    return client.Review(type, std::move(body), deadline);
  };
  reviews_ = std::make_shared<callers::ReviewScheduler>(
      std::move(post),
      QueueOptions(identity_),
      parts_.io.get_executor(),
      [this](const callers::ReviewReport& report) { metrics_->Note(report); });
  const auto limits = identity_.value_or(KubernetesIdentityOptions{});
  if (options.rbac) {
    reviewer_ = authorization::MakeRbacReviewer(
        {limits.positive_cache, limits.negative_cache, metrics_->HitsOf("subjectaccessreview")},
        *reviews_,
        parts_.clock);
  }
  if (identity_ && identity_->issuer.empty()) {
    late_ = std::make_shared<callers::DiscoveredIssuer>();
  }
}

AccessService::~AccessService() = default;

Result<callers::IssuerVerifier> AccessService::MakeVerifier(const std::string& issuer) {
  if (!identity_->jwks) {
    callers::TokenReviewOptions options{issuer,
                                        audience_,
                                        identity_->positive_cache,
                                        identity_->negative_cache,
                                        metrics_->HitsOf("tokenreview")};
    // Remembered by itself, for less long.
    return callers::IssuerVerifier{
        issuer,
        callers::MakeTokenReviewVerifier(std::move(options), *reviews_, parts_.clock),
        std::chrono::seconds(0)};
  }
  callers::OidcOptions options;
  // The keys come over our own connection to the API server, whatever the issuer is called.
  options.source = {
      issuer, {}, http::Url{{true, "kubernetes.default.svc", 443}, kKeysPath, {}}, true};
  options.audience = audience_;
  options.kubernetes = true;
  options.on_refresh = parts_.on_refresh;
  auto fetch = [&client = parts_.client](
                   const http::Url& url, const std::string& /*ca_pem*/, Deadline deadline) {
    return client.GetRaw(url.path, deadline);
  };
  auto made = callers::MakeOidcVerifier(std::move(options), std::move(fetch), parts_.clock);
  if (!made) {
    return made.error();
  }
  return callers::IssuerVerifier{issuer, std::move(*made)};
}

Result<std::optional<callers::IssuerVerifier>> AccessService::Verifier() {
  if (!identity_ || late_) {
    return std::optional<callers::IssuerVerifier>();
  }
  auto made = MakeVerifier(identity_->issuer);
  if (!made) {
    return made.error();
  }
  return std::optional<callers::IssuerVerifier>(std::move(*made));
}

Task<Result<callers::IssuerVerifier>> AccessService::AskForIssuer() {
  const Deadline deadline = std::chrono::steady_clock::now() + kAskTimeout;
  const Result<std::string> document = co_await parts_.client.GetRaw(kDiscoveryPath, deadline);
  if (!document) {
    co_return document.error();
  }
  const Result<std::string> issuer = callers::ReadIssuer(*document);
  if (!issuer) {
    co_return issuer.error();
  }
  co_return MakeVerifier(*issuer);
}

Task<void> AccessService::Discover() {
  std::chrono::seconds pause = kFirstRetry;
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
    const Deadline next = std::chrono::steady_clock::now() + pause;
    if (co_await OneShot<Done>::Wait(stopping_, next)) {
      co_return;
    }
    pause = std::min(pause * 2, kLastRetry);
  }
}

void AccessService::Start() {
  if (late_) {
    scope_.Spawn(Discover());
  }
}

void AccessService::Stop() {
  stopping_->Set(Done{});
  std::promise<void> done;
  asio::co_spawn(parts_.io,
                 scope_.Close(std::chrono::steady_clock::now() + kStopTimeout),
                 [&done](const std::exception_ptr&, bool) { done.set_value(); });
  done.get_future().wait();
}

std::string AccessService::NotReady() const {
  if (!late_ || late_->Get()) {
    return {};
  }
  const std::lock_guard lock(mutex_);
  return "the Kubernetes API has not told the issuer of its tokens: " + problem_;
}

admin::StatusSection AccessService::Section() const {
  std::string issuer = identity_ ? identity_->issuer : std::string();
  if (const auto known = late_ ? late_->Get() : nullptr) {
    issuer = known->issuer;
  }
  return {"Callers of the cluster",
          {{"Verified by",
            !identity_        ? "nobody"
            : identity_->jwks ? "its keys"
                              : "TokenReview"},
           {"Issuer", issuer.empty() ? "not known yet" : issuer},
           {"RBAC", reviewer_ ? "get on connectors/proxy, then the access rules" : "not asked"},
           {"Reviews that wait", std::to_string(reviews_->queued())}}};
}

std::shared_ptr<prometheus::Collectable> AccessService::state_metrics() const {
  return std::make_shared<QueueMetrics>(reviews_);
}

}  // namespace connector::broker::app
