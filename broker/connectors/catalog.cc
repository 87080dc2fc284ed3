#include "broker/connectors/catalog.h"

#include "common/base/ascii.h"
#include "common/base/keyed_version.h"
#include "common/crypto/digest.h"
#include "common/routing/upstream_policy_proto.h"

#include <algorithm>
#include <utility>

namespace connector::broker::connectors {

std::shared_ptr<const CatalogEntry> CatalogSnapshot::Find(const ConnectorRef& ref) const {
  const auto found = entries.find(ref);
  return found == entries.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<const CatalogEntry>> CatalogSnapshot::FindByMirrorHost(
    std::string_view host) const {
  std::vector<std::shared_ptr<const CatalogEntry>> out;
  const std::string wanted = Lower(host);
  for (const auto& [ref, entry] : entries) {
    const std::vector<std::string> hosts = entry->connector->MirrorHosts();
    if (std::find(hosts.begin(), hosts.end(), wanted) != hosts.end()) {
      out.push_back(entry);
    }
  }
  return out;
}

std::shared_ptr<const CatalogEntry> MakeCatalogEntry(
    std::shared_ptr<const resource::Connector> connector,
    resource::CaBundle ca,
    std::string secret_version,
    std::string problem,
    const routing::UpstreamPolicy& policy,
    std::shared_ptr<const EpochKeys> keys) {
  auto entry = std::make_shared<CatalogEntry>();
  // Digests have a fixed length (or none, of no bundle) and no "\n", so different inputs never give
  // the same text.
  const std::string mint_text = crypto::Sha256Hex(CanonicalMintText(*connector));
  const auto mint_key = [&](const std::string& version) {
    return crypto::Sha256Hex("mint\n" + mint_text + "\n" + crypto::Sha256Hex(version) + "\n" +
                             ca.digest());
  };
  entry->mint_key = mint_key(secret_version);
  const std::string connector_text = crypto::Sha256Hex(CanonicalText(*connector));
  const std::string policy_text = routing::CanonicalText(policy);
  std::vector<std::string> epochs;
  for (const std::string& version :
       keys ? keys->VersionsOf(secret_version) : std::vector{secret_version}) {
    epochs.push_back(
        crypto::Sha256Hex("epoch\n" + connector_text + "\n" + mint_key(version) +
                          (policy_text.empty() ? "" : "\n" + crypto::Sha256Hex(policy_text))));
  }
  entry->epoch = JoinVersions(epochs);
  entry->epoch_keys = std::move(keys);
  entry->policy = std::make_shared<const routing::UpstreamPolicy>(policy);
  entry->connector = std::move(connector);
  entry->ca = std::move(ca);
  entry->secret_version = std::move(secret_version);
  entry->problem = std::move(problem);
  return entry;
}

std::shared_ptr<const CatalogSnapshot> Catalog::Current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

void Catalog::Replace(std::shared_ptr<const CatalogSnapshot> next) {
  const std::lock_guard delivery(delivery_mutex_);
  {
    const std::lock_guard lock(mutex_);
    current_ = next;
  }
  for (const auto& [id, listener] : listeners_) {
    listener(next);
  }
}

std::uint64_t Catalog::Subscribe(Listener listener) {
  const std::lock_guard delivery(delivery_mutex_);
  listener(Current());
  const std::uint64_t id = next_id_++;
  listeners_.emplace(id, std::move(listener));
  return id;
}

void Catalog::Unsubscribe(std::uint64_t id) {
  const std::lock_guard delivery(delivery_mutex_);
  listeners_.erase(id);
}

}  // namespace connector::broker::connectors
