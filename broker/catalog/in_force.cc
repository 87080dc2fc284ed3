#include "broker/catalog/in_force.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace connector::broker::catalog {
namespace {

using resource::Identity;
using resource::Kind;

constexpr const char* kCaKey = "ca.crt";

// Adds to `next` what `previous` has, `next` lacks, and `keeps` holds on to.
template <typename Map, typename Keeps>
void KeepLastGood(const Map& previous, Map& next, Keeps keeps) {
  for (const auto& [name, held] : previous) {
    if (!next.contains(name) && keeps(name, held.file)) {
      next.emplace(name, held);
    }
  }
}

std::string CaPemOf(const resource::Connector& connector, const resource::SecretMap& secrets) {
  const auto found = secrets.find({connector.ref.ns, *connector.ca_secret_name});
  return std::string(found->second.secret->data.at(kCaKey).Reveal());
}

void AddProblem(std::string& problem, const std::string& more) {
  problem.append(problem.empty() || more.empty() ? "" : "; ").append(more);
}

std::shared_ptr<const Entry> EntryOf(
    const std::shared_ptr<const resource::Connector>& connector,
    const InForce& in_force,
    const std::function<CredentialState(const store::SecretRef&)>& state_of) {
  const std::optional<store::SecretRef> ref = store::RefOf(*connector);
  bool secret_usable = ref.has_value();
  bool ca_usable = connector->ca_secret_name.has_value();
  std::string problem;
  for (const resource::SecretProblem& found :
       resource::CheckSecrets(*connector, in_force.secrets)) {
    (found.of_ca ? ca_usable : secret_usable) = false;
    AddProblem(problem, found.message);
  }
  const CredentialState state = secret_usable ? state_of(*ref) : CredentialState{};
  AddProblem(problem, state.problem);
  return MakeEntry(connector,
                   ca_usable ? CaPemOf(*connector, in_force.secrets) : std::string(),
                   state.problem.empty() ? state.version : std::string(),
                   std::move(problem));
}

}  // namespace

InForce Merge(const InForce& previous, const resource::DirectoryContent& loaded) {
  InForce next{loaded.connectors, loaded.secrets};
  const auto keeps = [&](const Identity& identity, const std::string& file) {
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
  return next;
}

std::shared_ptr<const Snapshot> MakeSnapshot(
    const InForce& in_force,
    const std::function<CredentialState(const store::SecretRef&)>& state_of) {
  auto snapshot = std::make_shared<Snapshot>();
  for (const auto& [ref, loaded] : in_force.connectors) {
    snapshot->entries.emplace(ref, EntryOf(loaded.connector, in_force, state_of));
  }
  return snapshot;
}

bool SameEntries(const Snapshot& a, const Snapshot& b) {
  return std::equal(a.entries.begin(),
                    a.entries.end(),
                    b.entries.begin(),
                    b.entries.end(),
                    [](const auto& x, const auto& y) {
                      // The epoch is a digest of the connector, its Secret and its CA.
                      return x.first == y.first && x.second->epoch == y.second->epoch &&
                             x.second->problem == y.second->problem;
                    });
}

}  // namespace connector::broker::catalog
