#include "broker/secrets/vault/vault_service.h"

#include "broker/secrets/vault/vault_view.h"
#include "common/async/block_on.h"

#include <algorithm>
#include <utility>

namespace connector::broker::secrets {
namespace {

constexpr std::chrono::seconds kStopTimeout{5};

VaultStoreParts StoreParts(VaultService::Parts& parts, VaultRequestMetrics& metrics) {
  VaultStoreParts out{parts.version_key, parts.clock, parts.executor, parts.logger};
  out.on_observation = [on_change = std::move(parts.on_change)](const SecretRef&) { on_change(); };
  out.on_exchange = [&metrics](const VaultExchange& exchange) { metrics.Note(exchange); };
  return out;
}

}  // namespace

VaultService::VaultService(const VaultOptions& options, Parts parts)
    : executor_(parts.executor),
      request_metrics_(parts.registry),
      store_(options, StoreParts(parts, request_metrics_)) {}

CredentialView VaultService::View() {
  return {[this](const std::vector<SecretNeed>& needs) { Follow(needs); },
          [this](const SecretRef& ref, const resource::CredentialWanted& wanted) {
            return CredentialStateOf(store_.Observed(ref), wanted);
          },
          {},
          [this](const SecretRef& ref) {
            return CredentialStatusOf(*ref.vault, store_.Observed(ref));
          }};
}

void VaultService::Follow(const std::vector<SecretNeed>& needs) {
  {
    const std::lock_guard lock(mutex_);
    followed_.clear();
    for (const SecretNeed& need : needs) {
      followed_.insert(need.ref);
    }
  }
  store_.FollowNeeds(needs);
}

std::set<SecretRef> VaultService::Followed() const {
  const std::lock_guard lock(mutex_);
  return followed_;
}

void VaultService::Stop(Deadline deadline) {
  const Deadline soon = std::chrono::steady_clock::now() + kStopTimeout;
  BlockOn(executor_, store_.Stop(std::min(deadline, soon)));
}

std::vector<prometheus::MetricFamily> VaultService::Metrics() const {
  return CollectVaultState(store_, Followed());
}

void VaultService::AddReadiness(admin::Readiness& readiness) const {
  if (Followed().empty()) {
    return;
  }
  const std::vector<std::string> degraded = DegradedBy(store_.Status());
  readiness.degraded.insert(readiness.degraded.end(), degraded.begin(), degraded.end());
}

void VaultService::AddStatus(admin::StatusReport& status) const {
  status.sections.push_back(VaultSection(store_.Status()));
}

std::unique_ptr<VaultService> MakeVaultService(const std::optional<VaultOptions>& options,
                                               VaultService::Parts parts) {
  return options ? std::make_unique<VaultService>(*options, std::move(parts)) : nullptr;
}

CredentialView VaultViewOf(VaultService* service) {
  return service == nullptr ? CredentialView{} : service->View();
}

VaultLoginCheck VaultLoginCheckOf(VaultService* service) {
  if (service == nullptr) {
    return {};
  }
  return [&store = service->store()](Deadline deadline) { return store.CheckLogin(deadline); };
}

SecretStore* VaultStoreOf(VaultService* service) {
  return service == nullptr ? nullptr : &service->store();
}

}  // namespace connector::broker::secrets
