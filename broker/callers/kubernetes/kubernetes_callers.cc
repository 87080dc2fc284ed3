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
constexpr std::chrono::minutes kAskAgainAfter{5};
constexpr std::chrono::seconds kMinAskInterval{10};  // Whoever invents issuers.
constexpr std::chrono::seconds kStopTimeout{5};
constexpr const char* kDiscoveryPath = "/.well-known/openid-configuration";
constexpr const char* kKeysPath = "/openid/v1/jwks";

FairQueueOptions QueueOptions(const KubernetesIdentityOptions& limits) {
  FairQueueOptions options;
  options.per_second = limits.max_reviews_per_second;
  return options;
}

// Keys come over our own connection to the API server, whatever the issuer is called.
FetchDocument FetchFrom(kube::ApiClient* client) {
  return [client](const http::Url& url, const std::string& /*ca_pem*/, Deadline deadline) {
    return client->GetRaw(url.path, deadline);
  };
}

KeySource KeysOf(const std::string& issuer) {
  return {issuer, {}, http::Url{{true, "kubernetes.default.svc", 443}, kKeysPath, {}}, true};
}

}  // namespace

KubernetesCallers::KubernetesCallers(const CallersOptions& options, bool rbac, Parts parts)
    : identity_(options.kubernetes),
      audience_(options.audience),
      require_connector_audience_(options.require_connector_audience),
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
  if (identity_ && !identity_->jwks) {
    IssuerKeysOptions of_cluster;
    of_cluster.source = KeysOf(identity_->issuer.empty() ? "of the cluster" : identity_->issuer);
    of_cluster.on_refresh = [this](const KeyRefresh& refresh) { NoteKeys(refresh); };
    keys_ =
        std::make_shared<IssuerKeys>(std::move(of_cluster), FetchFrom(parts_.client), parts_.clock);
  }
  if (identity_ && identity_->issuer.empty()) {
    late_ = std::make_shared<DiscoveredIssuer>(
        [this](Deadline deadline) { return LearnAgain(deadline); });
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
                               require_connector_audience_,
                               identity_->positive_cache,
                               identity_->negative_cache,
                               metrics_.CacheHits("tokenreview")};
    // Remembered by itself, for less long.
    return IssuerVerifier{
        issuer,
        MakeTokenReviewVerifier(std::move(options), keys_, *reviews_, parts_.clock),
        std::chrono::seconds(0)};
  }
  OidcOptions options;
  options.source = KeysOf(issuer);
  options.audience = audience_;
  options.kubernetes = true;
  options.own_cluster = true;
  options.require_connector_audience = require_connector_audience_;
  options.on_refresh = parts_.on_refresh;
  auto made = MakeOidcVerifier(std::move(options), FetchFrom(parts_.client), parts_.clock);
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

void KubernetesCallers::Learned(Result<IssuerVerifier> made) {
  if (!made) {
    parts_.logger.Warning("the Kubernetes API does not tell its issuer; asking again",
                          {{"error", made.error().message}});
  } else if (const std::string issuer = made->issuer;
             late_->Set({issuer, std::move(made->verifier), made->remembered_for})) {
    parts_.logger.Info("the cluster's issuer is known", {{"issuer", issuer}});
  }
  std::shared_ptr<resilience::SharedCall<Done>> ended;
  {
    const std::lock_guard lock(mutex_);
    problem_ = made ? std::string() : made.error().message;
    asked_at_ = std::chrono::steady_clock::now();
    ended = asking_.Complete();
  }
  if (ended) {
    ended->Set(Done{});
  }
}

Task<void> KubernetesCallers::Discover() {
  resilience::Backoff backoff(kIssuerBackoff);
  while (true) {
    auto made = co_await AskForIssuer();
    std::chrono::steady_clock::duration pause = kAskAgainAfter;
    if (made) {
      backoff.Reset();
    } else {
      pause = backoff.Next(resilience::RandomFraction());
    }
    Learned(std::move(made));
    std::shared_ptr<OneShot<Done>> wake;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) {
        co_return;
      }
      wake = wake_;
    }
    (void)co_await OneShot<Done>::Wait(wake, std::chrono::steady_clock::now() + pause);
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      co_return;
    }
    wake_ = std::make_shared<OneShot<Done>>();
  }
}

Task<Done> KubernetesCallers::LearnAgain(Deadline deadline) {
  std::shared_ptr<resilience::SharedCall<Done>> call;
  std::shared_ptr<OneShot<Done>> wake;
  {
    const std::lock_guard lock(mutex_);
    call = asking_.Join();
    if (!call) {
      if (stopping_ || std::chrono::steady_clock::now() - asked_at_ < kMinAskInterval) {
        co_return Done{};
      }
      call = asking_.Start();
      wake = wake_;
    }
  }
  if (wake) {
    wake->Set(Done{});
  }
  (void)co_await resilience::SharedCall<Done>::Wait(
      call, std::min(deadline, std::chrono::steady_clock::now() + kAskTimeout));
  co_return Done{};
}

void KubernetesCallers::NoteKeys(const KeyRefresh& refresh) {
  if (parts_.on_refresh) {
    parts_.on_refresh(refresh);
  }
  const bool missing = !keys_->problem().empty();
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(keys_missing_, missing) == missing) {
      return;
    }
  }
  if (missing) {
    parts_.logger.Warning(
        "the cluster's keys cannot be read, so signatures are not checked before a review: tokens "
        "that were not accepted before wait behind all others; let the broker get /openid/v1/jwks",
        {{"error", refresh.message}});
  } else {
    parts_.logger.Info("the cluster's keys are known: signatures are checked before a review", {});
  }
}

Result<Done> KubernetesCallers::Start() {
  if (late_) {
    tasks_.Spawn(Discover());
  }
  return Done{};
}

void KubernetesCallers::Stop(Deadline deadline) {
  std::shared_ptr<OneShot<Done>> wake;
  std::shared_ptr<resilience::SharedCall<Done>> asking;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake = wake_;
    asking = asking_.Complete();
  }
  wake->Set(Done{});
  if (asking) {
    asking->Set(Done{});
  }
  const Deadline soon = std::chrono::steady_clock::now() + kStopTimeout;
  BlockOn(parts_.executor, tasks_.Close(std::min(deadline, soon)));
}

std::vector<prometheus::MetricFamily> KubernetesCallers::Metrics() const {
  metrics::Families families;
  families.Gauge("connector_broker_review_queue_length",
                 "Reviews that wait for their turn under the ceiling.",
                 {},
                 static_cast<double>(reviews_->queued()));
  if (keys_) {
    families.Gauge("connector_broker_cluster_keys_missing",
                   "1 while the cluster's keys cannot be read, so that no signature is checked "
                   "before a review.",
                   {},
                   keys_->problem().empty() ? 0.0 : 1.0);
  }
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

std::string KubernetesCallers::Signatures() const {
  if (!keys_) {
    return "there are no reviews of tokens";
  }
  const std::string problem = keys_->problem();
  return problem.empty() ? "checked with the cluster's keys" : "not checked: " + problem;
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
        {"Signatures before a review", Signatures()},
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
