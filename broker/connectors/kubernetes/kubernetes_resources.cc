#include "broker/connectors/kubernetes/kubernetes_resources.h"

#include "broker/secrets/kubernetes/kube_secret_view.h"
#include "common/async/block_on.h"
#include "common/metrics/families.h"
#include "common/resilience/random.h"

#include <malloc.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace connector::broker::connectors {
namespace {

using Steady = std::chrono::steady_clock;

// Changes of Secrets that come within this of each other make one new catalog.
constexpr std::chrono::milliseconds kBatch{20};
constexpr std::chrono::milliseconds kLook{50};
// A Secret that the API does not tell of holds up the start no longer than this.
constexpr std::chrono::seconds kFirstSecretsTimeout{15};
constexpr std::chrono::seconds kStopTimeout{5};

secrets::KubeStoreParts StoreParts(const KubernetesResources::Parts& parts, Debouncer& refresh) {
  secrets::KubeStoreParts out{
      parts.kube.client(), parts.version_key, parts.clock, parts.executor, parts.logger};
  out.on_observation = [&refresh](const secrets::SecretRef&) { refresh.Request(); };
  return out;
}

kube::InformerOptions OptionsOf(const kube::ResourceType& type,
                                std::chrono::milliseconds max_silence) {
  kube::InformerOptions options;
  options.type = type;
  kube::NoticeSilence(max_silence, options);
  return options;
}

void AddInformer(
    metrics::Families& out, const char* name, const char* help, double connectors, double classes) {
  out.Gauge(name, help, {{"resource", "connectors"}}, connectors);
  out.Gauge(name, help, {{"resource", "connectorclasses"}}, classes);
}

double Age(const kube::InformerHealth& health, WallTime now) {
  return health.failing_since ? std::chrono::duration<double>(now - *health.failing_since).count()
                              : 0;
}

}  // namespace

KubernetesResources::KubernetesResources(Parts parts)
    : parts_(parts),
      tasks_(std::make_shared<TaskGroup>(parts.executor)),
      refresh_(tasks_, kBatch, [this] { publisher_->Refresh(); }),
      store_(StoreParts(parts_, refresh_)) {}

secrets::CredentialView KubernetesResources::View() {
  return secrets::ViewOf(store_);
}

Result<Done> KubernetesResources::PublishTo(CatalogPublisher& publisher,
                                            std::function<void()> when_read) {
  publisher_ = &publisher;
  when_read_ = std::move(when_read);
  source_ = std::make_unique<ClusterSource>(
      ClusterSource::Targets{publisher, parts_.logger, parts_.registry});
  const kube::Informer::Parts parts{
      &parts_.kube.client(), &parts_.clock, &parts_.logger, resilience::RandomFraction};
  classes_ =
      std::make_unique<kube::Informer>(OptionsOf(kube::kConnectorClasses, parts_.max_silence),
                                       parts,
                                       [this](const std::shared_ptr<const kube::Store>& all,
                                              const kube::Changes&) { source_->TakeClasses(all); });
  connectors_ = std::make_unique<kube::Informer>(
      OptionsOf(kube::kConnectors, parts_.max_silence),
      parts,
      [this](const std::shared_ptr<const kube::Store>& all, const kube::Changes& changes) {
        source_->TakeConnectors(all, changes);
        store_.Wake();
      });
  return Done{};
}

std::chrono::steady_clock::duration KubernetesResources::Silence() const {
  const WallTime now = parts_.clock.Now();
  std::chrono::steady_clock::duration silence{};
  for (const kube::Informer* informer : {connectors_.get(), classes_.get()}) {
    if (const auto since = informer->Health().failing_since) {
      silence = std::max<std::chrono::steady_clock::duration>(silence, now - *since);
    }
  }
  return silence;
}

Result<Done> KubernetesResources::Start() {
  classes_->Start(parts_.executor);
  connectors_->Start(parts_.executor);
  tasks_->Spawn(AwaitRead());
  return Done{};
}

Task<void> KubernetesResources::AwaitRead() {
  std::optional<Deadline> enough;
  while (true) {
    if (source_->published()) {
      enough = enough.value_or(Steady::now() + kFirstSecretsTimeout);
      if (publisher_->AllKnown() || Steady::now() >= *enough) {
        break;
      }
    }
    if (co_await OneShot<Done>::Wait(stopped_, Steady::now() + kLook)) {
      co_return;
    }
  }
  if (!publisher_->AllKnown()) {
    parts_.logger.Warning("not all credentials could be read; starting without them");
  }
  // Reading thousands of resources leaves pages behind that nobody needs again.
  ::malloc_trim(0);
  read_ = true;
  when_read_();
  parts_.logger.Info("ready", {{"connectors", parts_.catalog.Current()->entries.size()}});
}

KubernetesResourcesStatus KubernetesResources::Status() const {
  KubernetesResourcesStatus out;
  out.server = parts_.kube.server();
  out.read = read_;
  out.secrets = store_.Status();
  out.connectors = connectors_->Health();
  out.classes = classes_->Health();
  out.connector_count = connectors_->Current()->objects.size();
  out.class_count = classes_->Current()->objects.size();
  out.problems = source_->LastProblems().size();
  return out;
}

std::vector<prometheus::MetricFamily> KubernetesResources::Metrics() const {
  const KubernetesResourcesStatus status = Status();
  const WallTime now = parts_.clock.Now();
  metrics::Families out;
  AddInformer(out,
              "connector_broker_kubernetes_synced",
              "1 once all resources of the kind were read, else 0.",
              status.connectors.synced ? 1 : 0,
              status.classes.synced ? 1 : 0);
  AddInformer(out,
              "connector_broker_kubernetes_stale_seconds",
              "For how long changes of the kind cannot be seen; 0 while they can.",
              Age(status.connectors, now),
              Age(status.classes, now));
  const secrets::KubeStoreStatus& secrets = status.secrets;
  const std::size_t usable =
      secrets.followed - secrets.unknown - secrets.unusable - secrets.failing;
  for (const auto& [state, count] : {std::pair{"usable", usable},
                                     std::pair{"failing", secrets.failing},
                                     std::pair{"unusable", secrets.unusable},
                                     std::pair{"unknown", secrets.unknown}}) {
    out.Gauge("connector_broker_kubernetes_secrets",
              "Secrets that connectors refer to. failing: the last request failed, what was read "
              "before stays in force.",
              {{"state", state}},
              static_cast<double>(count));
  }
  out.Counter("connector_broker_kubernetes_watch_restarts_total",
              "Watches of Secrets that ended and were begun again.",
              static_cast<double>(secrets.watch_restarts));
  return out.Take();
}

void KubernetesResources::AddReadiness(admin::Readiness& readiness) const {
  AddTo(readiness, Status());
}

void KubernetesResources::AddStatus(admin::StatusReport& status) const {
  status.sections.push_back(KubernetesSection(Status()));
}

void KubernetesResources::Stop(Deadline deadline) {
  stopped_->Set(Done{});
  const Deadline soon = std::min(deadline, Steady::now() + kStopTimeout);
  BlockOn(parts_.executor, StopParts(soon));
}

Task<void> KubernetesResources::StopParts(Deadline deadline) {
  for (kube::Informer* informer : {connectors_.get(), classes_.get()}) {
    static_cast<void>(co_await informer->Stop(deadline));
  }
  static_cast<void>(co_await store_.Stop(deadline));
  static_cast<void>(co_await tasks_->Close(deadline));
}

}  // namespace connector::broker::connectors
