#include "broker/connectors/catalog_publisher.h"

#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace connector::broker::connectors {
namespace {

constexpr const char* kNoVault =
    "spec.auth.vaultRef names a credential in Vault, and this broker's configuration has no vault";

secrets::FileSecretStore::Secrets ForStore(const resource::SecretMap& secrets) {
  secrets::FileSecretStore::Secrets out;
  for (const auto& [name, loaded] : secrets) {
    out.emplace(secrets::SecretRef{name.ns, name.name}, loaded.secret);
  }
  return out;
}

// Sorted, without duplicates: connectors may share a Secret.
class NeedList {
 public:
  secrets::SecretNeed& Of(const secrets::SecretRef& ref) {
    secrets::SecretNeed& need = needs_[ref];
    need.ref = ref;
    return need;
  }
  [[nodiscard]] std::vector<secrets::SecretNeed> Take() {
    std::vector<secrets::SecretNeed> out;
    out.reserve(needs_.size());
    for (auto& [ref, need] : needs_) {
      out.push_back(std::move(need));
    }
    return out;
  }

 private:
  std::map<secrets::SecretRef, secrets::SecretNeed> needs_;
};

struct Needs {
  NeedList vault;
  NeedList cluster;
};

Needs NeedsOf(const EffectiveResources& effective) {
  Needs out;
  for (const auto& [ref, loaded] : effective.connectors) {
    const resource::Connector& connector = *loaded.connector;
    if (const std::optional<secrets::SecretRef> secret = secrets::RefOf(connector)) {
      (secret->vault ? out.vault : out.cluster)
          .Of(*secret)
          .credentials.insert(resource::WantedBy(connector));
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

CatalogPublisher::CatalogPublisher(Targets targets, CredentialViews views)
    : targets_(std::move(targets)),
      views_(std::move(views)),
      connectors_(MakeGauge(
          targets_.registry, "connector_broker_resource_connectors", "Connectors in force")),
      unusable_(MakeGauge(targets_.registry,
                          "connector_broker_resource_unusable_connectors",
                          "Connectors in force whose credential or CA cannot be used")) {}

bool CatalogPublisher::Publish(std::shared_ptr<const EffectiveResources> effective) {
  // Secrets before connectors: a mint that sees the new version then finds the new Secret.
  targets_.secrets.Update(ForStore(effective->secrets));
  Needs needs = NeedsOf(*effective);
  for (auto [followed, list] :
       {std::pair(&vault_, &needs.vault), std::pair(&cluster_, &needs.cluster)}) {
    std::vector<secrets::SecretNeed> wanted = list->Take();
    if (followed->view.follow && wanted != followed->needs) {
      followed->needs = wanted;
      followed->view.follow(std::move(wanted));
    }
  }
  {
    const std::lock_guard lock(mutex_);
    effective_ = std::move(effective);
  }
  return Rebuild();
}

void CatalogPublisher::Refresh() {
  static_cast<void>(Rebuild());
}

void CatalogPublisher::UseEpochKeys(std::shared_ptr<const EpochKeys> keys) {
  {
    const std::lock_guard lock(mutex_);
    epoch_keys_ = std::move(keys);
  }
  static_cast<void>(Rebuild());
}

secrets::CredentialState CatalogPublisher::StateOf(const secrets::SecretRef& ref,
                                                   const resource::CredentialWanted& wanted) const {
  const secrets::CredentialView& view = ref.vault ? views_.vault : views_.cluster;
  if (view.observe) {
    return view.observe(ref, wanted);
  }
  if (ref.vault) {
    return {{}, kNoVault};
  }
  const Result<secrets::StoredSecret> secret = targets_.secrets.Read(ref);
  return {secret ? secret->version : std::string(), {}};
}

ConnectorCredentials CatalogPublisher::LookupOutside(const resource::Connector& connector) const {
  ConnectorCredentials found;
  if (const std::optional<secrets::SecretRef> ref = secrets::RefOf(connector)) {
    found.credential = StateOf(*ref, resource::WantedBy(connector));
  }
  if (connector.ca_secret_name) {
    found.ca = views_.cluster.observe_ca({connector.ref.ns, *connector.ca_secret_name});
  }
  return found;
}

bool CatalogPublisher::Rebuild() {
  const std::lock_guard lock(mutex_);
  bool all_known = true;
  const auto in_directory = [this](const secrets::SecretRef& ref,
                                   const resource::CredentialWanted& wanted) {
    return StateOf(ref, wanted);
  };
  const CredentialLookup base =
      views_.cluster.observe
          ? CredentialLookup([this](const auto& connector) { return LookupOutside(connector); })
          : DirectoryLookup(*effective_, in_directory);
  const CredentialLookup lookup = [&](const resource::Connector& connector) {
    ConnectorCredentials found = base(connector);
    all_known = all_known && found.credential.known && found.ca.known;
    return found;
  };
  const std::shared_ptr<const CatalogSnapshot> previous = targets_.catalog.Current();
  const std::shared_ptr<const CatalogSnapshot> next =
      MakeSnapshot(*effective_, lookup, *previous, targets_.policy, epoch_keys_);
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

std::optional<admin::CredentialStatus> CatalogPublisher::CredentialStatusOf(
    const resource::Connector& connector) const {
  const std::optional<secrets::SecretRef> ref = secrets::RefOf(connector);
  if (!ref) {
    return std::nullopt;
  }
  const secrets::CredentialView& view = ref->vault ? views_.vault : views_.cluster;
  return view.status ? std::optional(view.status(*ref)) : std::nullopt;
}

bool CatalogPublisher::AllKnown() const {
  const std::lock_guard lock(mutex_);
  return all_known_;
}

bool CatalogPublisher::WaitForCredentials(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return refreshed_.wait_for(lock, time, [this] { return all_known_; });
}

}  // namespace connector::broker::connectors
