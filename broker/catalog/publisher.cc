#include "broker/catalog/publisher.h"

#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <algorithm>
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

// Sorted, each once: Connectors may share a credential.
std::vector<store::SecretRef> VaultRefs(const InForce& in_force) {
  std::vector<store::SecretRef> out;
  for (const auto& [ref, loaded] : in_force.connectors) {
    std::optional<store::SecretRef> secret = store::RefOf(*loaded.connector);
    if (secret && secret->vault) {
      out.push_back(*std::move(secret));
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

prometheus::Gauge& MakeGauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

}  // namespace

Publisher::Publisher(Targets targets, VaultView vault)
    : targets_(targets),
      vault_(std::move(vault)),
      connectors_(MakeGauge(
          targets.registry, "connector_broker_resource_connectors", "Connectors in force")),
      unusable_(MakeGauge(targets.registry,
                          "connector_broker_resource_unusable_connectors",
                          "Connectors in force whose credential or CA cannot be used")) {}

bool Publisher::Publish(std::shared_ptr<const InForce> in_force) {
  // Secrets before connectors: a mint that sees the new version then finds the new Secret.
  targets_.secrets.Update(ForStore(in_force->secrets));
  std::vector<store::SecretRef> wanted = VaultRefs(*in_force);
  if (vault_.follow && wanted != followed_) {
    followed_ = wanted;
    vault_.follow(std::move(wanted));
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

CredentialState Publisher::StateOf(const store::SecretRef& ref) const {
  if (ref.vault) {
    return vault_.observe ? vault_.observe(ref) : CredentialState{{}, kNoVault};
  }
  const Result<store::StoredSecret> secret = targets_.secrets.Read(ref);
  return {secret ? secret->version : std::string(), {}};
}

bool Publisher::Rebuild() {
  const std::lock_guard lock(mutex_);
  bool all_known = true;
  const auto state_of = [&](const store::SecretRef& ref) {
    CredentialState state = StateOf(ref);
    all_known = all_known && state.known;
    return state;
  };
  const std::shared_ptr<const Snapshot> next = MakeSnapshot(*in_force_, state_of);
  all_known_ = all_known;
  refreshed_.notify_all();
  connectors_.Set(static_cast<double>(next->entries.size()));
  unusable_.Set(static_cast<double>(
      std::count_if(next->entries.begin(), next->entries.end(), [](const auto& entry) {
        return !entry.second->problem.empty();
      })));
  if (SameEntries(*targets_.catalog.Current(), *next)) {
    return false;
  }
  targets_.catalog.Replace(next);
  return true;
}

bool Publisher::WaitForCredentials(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return refreshed_.wait_for(lock, time, [this] { return all_known_; });
}

}  // namespace connector::broker::catalog
