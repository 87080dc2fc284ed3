#include "broker/app/cluster_service.h"

#include "common/metrics/families.h"

#include <boost/asio/co_spawn.hpp>
#include <malloc.h>

#include <future>
#include <string>
#include <utility>
#include <vector>

namespace connector::broker::app {
namespace {

using Steady = std::chrono::steady_clock;

// Changes of Secrets that come within this of each other make one new catalog.
constexpr std::chrono::milliseconds kBatch{20};
constexpr std::chrono::milliseconds kLook{50};
// A Secret that the API does not tell of holds up the start no longer than this.
constexpr std::chrono::seconds kFirstSecretsTimeout{15};
constexpr std::chrono::seconds kStopTimeout{5};

secrets::KubeStoreParts StoreParts(const ClusterService::Parts& parts, Debouncer& refresh) {
  secrets::KubeStoreParts out{
      parts.kube.client(), parts.root_key, parts.clock, parts.io.get_executor(), parts.logger};
  out.on_observation = [&refresh](const secrets::SecretRef&) { refresh.Request(); };
  return out;
}

kube::InformerOptions OptionsOf(const kube::ResourceType& type) {
  kube::InformerOptions options;
  options.type = type;
  return options;
}

void AddInformer(
    metrics::Families& out, const char* name, const char* help, double connectors, double classes) {
  out.Gauge(name, help, {{"resource", "connectors"}}, connectors);
  out.Gauge(name, help, {{"resource", "connectorclasses"}}, classes);
}

// Read when scraped.
class ClusterMetrics final : public prometheus::Collectable {
 public:
  ClusterMetrics(const ClusterService& cluster, const Clock& clock)
      : cluster_(cluster), clock_(clock) {}

  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override {
    const ClusterStatus status = cluster_.Status();
    metrics::Families out;
    AddInformer(out,
                "connector_broker_kubernetes_synced",
                "1 once all resources of the kind were read, else 0.",
                status.connectors.synced ? 1 : 0,
                status.classes.synced ? 1 : 0);
    AddInformer(out,
                "connector_broker_kubernetes_stale_seconds",
                "For how long changes of the kind cannot be seen; 0 while they can.",
                Age(status.connectors),
                Age(status.classes));
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

 private:
  [[nodiscard]] double Age(const kube::InformerHealth& health) const {
    return health.failing_since
               ? std::chrono::duration<double>(clock_.Now() - *health.failing_since).count()
               : 0;
  }

  const ClusterService& cluster_;
  const Clock& clock_;
};

}  // namespace

ClusterService::ClusterService(Parts parts)
    : parts_(parts),
      scope_(std::make_shared<Scope>(parts.io.get_executor())),
      refresh_(scope_, kBatch, [this] { publisher_->Refresh(); }),
      store_(StoreParts(parts_, refresh_)),
      state_metrics_(std::make_shared<ClusterMetrics>(*this, parts.clock)) {}

connectors::CredentialView ClusterService::View() {
  return {[this](std::vector<secrets::SecretNeed> needs) { store_.FollowNeeds(std::move(needs)); },
          [this](const secrets::SecretRef& ref, const std::string& registry) {
            return CredentialStateOf(store_.Observed(ref), registry);
          },
          [this](const secrets::SecretRef& ref) { return CaStateOf(store_.Observed(ref)); }};
}

void ClusterService::PublishTo(connectors::CatalogPublisher& publisher) {
  publisher_ = &publisher;
  source_ = std::make_unique<connectors::ClusterSource>(
      connectors::ClusterSource::Targets{publisher, parts_.logger, parts_.registry});
  const kube::Informer::Parts parts{
      &parts_.kube.client(), &parts_.clock, &parts_.logger, kube::RandomFraction};
  classes_ =
      std::make_unique<kube::Informer>(OptionsOf(kube::kConnectorClasses),
                                       parts,
                                       [this](const std::shared_ptr<const kube::Store>& all,
                                              const kube::Changes&) { source_->TakeClasses(all); });
  connectors_ = std::make_unique<kube::Informer>(
      OptionsOf(kube::kConnectors),
      parts,
      [this](const std::shared_ptr<const kube::Store>& all, const kube::Changes& changes) {
        source_->TakeConnectors(all, changes);
        store_.Wake();
      });
}

void ClusterService::Start(std::function<void()> when_read) {
  classes_->Start(parts_.io.get_executor());
  connectors_->Start(parts_.io.get_executor());
  scope_->Spawn(AwaitRead(std::move(when_read)));
}

Task<void> ClusterService::AwaitRead(std::function<void()> when_read) {
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
  when_read();
}

ClusterStatus ClusterService::Status() const {
  ClusterStatus out;
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

void ClusterService::Stop() {
  stopped_->Set(Done{});
  const Deadline deadline = Steady::now() + kStopTimeout;
  std::promise<void> done;
  auto stop = [this, deadline]() -> Task<void> {
    for (kube::Informer* informer : {connectors_.get(), classes_.get()}) {
      static_cast<void>(co_await informer->Stop(deadline));
    }
    static_cast<void>(co_await store_.Stop(deadline));
    static_cast<void>(co_await scope_->Close(deadline));
  };
  asio::co_spawn(parts_.io, stop, [&done](const std::exception_ptr&) { done.set_value(); });
  done.get_future().wait();
}

}  // namespace connector::broker::app
