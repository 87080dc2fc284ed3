#include "broker/connectors/effective_resources.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace connector::broker::connectors {
namespace {

using resource::Kind;
using resource::ResourceId;

// Adds to `next` the resources of `previous` that it lacks and that `keeps` accepts.
template <typename Map, typename Keeps>
void KeepLastGood(const Map& previous, Map& next, Keeps keeps) {
  for (const auto& [name, held] : previous) {
    if (!next.contains(name) && keeps(name, held.file)) {
      next.emplace(name, held);
    }
  }
}

const resource::CaBundle& CaOf(const resource::Connector& connector,
                               const resource::SecretMap& secrets) {
  return **secrets.find({connector.ref.ns, *connector.ca_secret_name})->second.secret->ca;
}

void AddProblem(std::string& problem, const std::string& more) {
  problem.append(problem.empty() || more.empty() ? "" : "; ").append(more);
}

bool SaysTheSame(const CatalogEntry& entry,
                 const resource::Connector& connector,
                 const std::string& secret_version,
                 const secrets::CaState& ca,
                 const std::string& problem) {
  return entry.secret_version == secret_version && entry.ca == ca.bundle &&
         entry.problem == problem &&
         (entry.connector.get() == &connector || *entry.connector == connector);
}

std::shared_ptr<const CatalogEntry> EntryOf(
    const std::shared_ptr<const resource::Connector>& connector,
    ConnectorCredentials found,
    const std::shared_ptr<const CatalogEntry>& previous,
    const routing::UpstreamPolicy& policy,
    const std::shared_ptr<const EpochKeys>& keys) {
  std::string problem = found.credential.problem;
  AddProblem(problem, found.ca.problem);
  std::string version =
      found.credential.problem.empty() ? std::move(found.credential.version) : std::string();
  if (previous && previous->epoch_keys == keys &&
      SaysTheSame(*previous, *connector, version, found.ca, problem)) {
    return previous;
  }
  return MakeCatalogEntry(
      connector,
      std::move(found.ca.bundle),
      std::move(version),
      std::move(problem),
      routing::PolicyFor(policy, connector->ref.ns, connector->class_policy.value.get()),
      keys);
}

}  // namespace

EffectiveResources MergeResources(const EffectiveResources& previous,
                                  const resource::DirectoryContent& loaded) {
  EffectiveResources next{loaded.connectors, loaded.secrets, loaded.classes};
  const auto keeps = [&](const ResourceId& identity, const std::string& file) {
    return loaded.broken.contains(identity) || loaded.unreadable_files.contains(file);
  };
  KeepLastGood(
      previous.connectors, next.connectors, [&](const ConnectorRef& ref, const std::string& file) {
        return keeps({Kind::kConnector, ref.ns, ref.name}, file);
      });
  KeepLastGood(previous.secrets,
               next.secrets,
               [&](const resource::SecretName& name, const std::string& file) {
                 return keeps({Kind::kSecret, name.ns, name.name}, file);
               });
  // Where a file cannot be read, what is built in does not take the place of the class in it.
  std::erase_if(next.classes, [&](const auto& built_in) {
    const auto held = previous.classes.find(built_in.first);
    return built_in.second.file.empty() && held != previous.classes.end() &&
           loaded.unreadable_files.contains(held->second.file);
  });
  KeepLastGood(
      previous.classes, next.classes, [&](const std::string& name, const std::string& file) {
        return keeps({Kind::kConnectorClass, {}, name}, file);
      });
  for (auto& [ref, connector] : next.connectors) {
    NarrowByItsClass(next.classes, connector);
  }
  return next;
}

void NarrowByItsClass(const resource::ClassMap& classes, resource::LoadedConnector& connector) {
  const auto found = classes.find(connector.connector->class_name);
  if (found == classes.end()) {
    return;
  }
  auto narrowed = std::make_shared<resource::Connector>(*connector.connector);
  resource::NarrowByClass(*narrowed, found->second.connector_class);
  if (*narrowed != *connector.connector) {
    connector.connector = std::move(narrowed);
  }
}

CredentialLookup DirectoryLookup(
    const EffectiveResources& effective,
    std::function<secrets::CredentialState(const secrets::SecretRef&,
                                           const resource::CredentialWanted&)> state_of) {
  return [&effective, state_of = std::move(state_of)](const resource::Connector& connector) {
    ConnectorCredentials found;
    const std::optional<secrets::SecretRef> ref = secrets::RefOf(connector);
    bool secret_usable = ref.has_value();
    bool ca_usable = connector.ca_secret_name.has_value();
    for (const resource::SecretProblem& problem :
         resource::CheckSecrets(connector, effective.secrets)) {
      (problem.of_ca ? ca_usable : secret_usable) = false;
      AddProblem(problem.of_ca ? found.ca.problem : found.credential.problem, problem.message);
    }
    if (secret_usable) {
      found.credential = state_of(*ref, resource::WantedBy(connector));
    }
    if (ca_usable) {
      found.ca.bundle = CaOf(connector, effective.secrets);
    }
    return found;
  };
}

std::shared_ptr<const CatalogSnapshot> MakeSnapshot(const EffectiveResources& effective,
                                                    const CredentialLookup& lookup,
                                                    const CatalogSnapshot& previous,
                                                    const routing::UpstreamPolicy& policy,
                                                    const std::shared_ptr<const EpochKeys>& keys) {
  auto snapshot = std::make_shared<CatalogSnapshot>();
  for (const auto& [ref, loaded] : effective.connectors) {
    snapshot->entries.emplace_hint(
        snapshot->entries.end(),
        ref,
        EntryOf(loaded.connector, lookup(*loaded.connector), previous.Find(ref), policy, keys));
  }
  return snapshot;
}

bool SameEntries(const CatalogSnapshot& a, const CatalogSnapshot& b) {
  return std::equal(a.entries.begin(),
                    a.entries.end(),
                    b.entries.begin(),
                    b.entries.end(),
                    [](const auto& x, const auto& y) {
                      // The epoch is a digest of the connector, its Secret and its CA.
                      return x.first == y.first &&
                             (x.second == y.second || (x.second->epoch == y.second->epoch &&
                                                       x.second->problem == y.second->problem));
                    });
}

}  // namespace connector::broker::connectors
