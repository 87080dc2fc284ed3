#include "broker/catalog/publisher.h"

#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace connector::broker::catalog {
namespace {

constexpr const char* kNoVault =
    "spec.auth.vaultRef names a credential in Vault, and this broker's configuration has no vault";

store::FileSecretStore::Secrets ForStore(const resource::SecretMap& secrets) {
  store::FileSecretStore::Secrets out;
  for (const auto& [name, loaded] : secrets) {
    out.emplace(store::SecretRef{name.ns, name.name}, loaded.secret);
  }
  return out;
}

// In order, each once: connectors may share one.
class NeedList {
 public:
  store::SecretNeed& Of(const store::SecretRef& ref) {
    store::SecretNeed& need = needs_[ref];
    need.ref = ref;
    return need;
  }
  [[nodiscard]] std::vector<store::SecretNeed> Take() {
    std::vector<store::SecretNeed> out;
    out.reserve(needs_.size());
    for (auto& [ref, need] : needs_) {
      out.push_back(std::move(need));
    }
    return out;
  }

 private:
  std::map<store::SecretRef, store::SecretNeed> needs_;
};

struct Needs {
  NeedList vault;
  NeedList cluster;
};

Needs NeedsOf(const InForce& in_force) {
  Needs out;
  for (const auto& [ref, loaded] : in_force.connectors) {
    const resource::Connector& connector = *loaded.connector;
    if (const std::optional<store::SecretRef> secret = store::RefOf(connector)) {
      (secret->vault ? out.vault : out.cluster)
          .Of(*secret)
          .registries.insert(connector.address.Authority());
    }
    if (connector.ca_secret_name) {
      out.cluster.Of({connector.ref.ns, *connector.ca_secret_name}).ca = true;
    }
  }
  return out;
}

prometheus::Gauge& MakeGauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

}  // namespace

Publisher::Publisher(Targets targets, CredentialViews views)
    : targets_(targets),
      views_(std::move(views)),
      connectors_(MakeGauge(
          targets.registry, "connector_broker_resource_connectors", "Connectors in force")),
      unusable_(MakeGauge(targets.registry,
                          "connector_broker_resource_unusable_connectors",
                          "Connectors in force whose credential or CA cannot be used")) {}

bool Publisher::Publish(std::shared_ptr<const InForce> in_force) {
  // Secrets before connectors: a mint that sees the new version then finds the new Secret.
  targets_.secrets.Update(ForStore(in_force->secrets));
  Needs needs = NeedsOf(*in_force);
  for (auto [followed, list] :
       {std::pair(&vault_, &needs.vault), std::pair(&cluster_, &needs.cluster)}) {
    std::vector<store::SecretNeed> wanted = list->Take();
    if (followed->view.follow && wanted != followed->needs) {
      followed->needs = wanted;
      followed->view.follow(std::move(wanted));
    }
  }
  {
    const std::lock_guard lock(mutex_);
    in_force_ = std::move(in_force);
  }
  return Rebuild();
}

void Publisher::Refresh() {
  static_cast<void>(Rebuild());
}

CredentialState Publisher::StateOf(const store::SecretRef& ref, const std::string& registry) const {
  const CredentialView& view = ref.vault ? views_.vault : views_.cluster;
  if (view.observe) {
    return view.observe(ref, registry);
  }
  if (ref.vault) {
    return {{}, kNoVault};
  }
  const Result<store::StoredSecret> secret = targets_.secrets.Read(ref);
  return {secret ? secret->version : std::string(), {}};
}

Findings Publisher::LookOutside(const resource::Connector& connector) const {
  Findings found;
  if (const std::optional<store::SecretRef> ref = store::RefOf(connector)) {
    found.credential = StateOf(*ref, connector.address.Authority());
  }
  if (connector.ca_secret_name) {
    found.ca = views_.cluster.observe_ca({connector.ref.ns, *connector.ca_secret_name});
  }
  return found;
}

bool Publisher::Rebuild() {
  const std::lock_guard lock(mutex_);
  bool all_known = true;
  const auto in_directory = [this](const store::SecretRef& ref) { return StateOf(ref, {}); };
  const Look base = views_.cluster.observe
                        ? Look([this](const auto& connector) { return LookOutside(connector); })
                        : LookInDirectory(*in_force_, in_directory);
  const Look look = [&](const resource::Connector& connector) {
    Findings found = base(connector);
    all_known = all_known && found.credential.known && found.ca.known;
    return found;
  };
  const std::shared_ptr<const Snapshot> previous = targets_.catalog.Current();
  const std::shared_ptr<const Snapshot> next = MakeSnapshot(*in_force_, look, *previous);
  all_known_ = all_known;
  refreshed_.notify_all();
  connectors_.Set(static_cast<double>(next->entries.size()));
  unusable_.Set(static_cast<double>(
      std::count_if(next->entries.begin(), next->entries.end(), [](const auto& entry) {
        return !entry.second->problem.empty();
      })));
  if (SameEntries(*previous, *next)) {
    return false;
  }
  targets_.catalog.Replace(next);
  return true;
}

bool Publisher::AllKnown() const {
  const std::lock_guard lock(mutex_);
  return all_known_;
}

bool Publisher::WaitForCredentials(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return refreshed_.wait_for(lock, time, [this] { return all_known_; });
}

}  // namespace connector::broker::catalog
