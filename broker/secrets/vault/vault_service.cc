#include "broker/secrets/vault/vault_service.h"

#include "broker/secrets/vault/vault_view.h"

#include <boost/asio/co_spawn.hpp>

#include <future>
#include <utility>
#include <vector>

namespace connector::broker::secrets {
namespace {

constexpr std::chrono::seconds kStopTimeout{5};

secrets::VaultStoreParts StoreParts(VaultService::Parts& parts, VaultRequestMetrics& metrics) {
  secrets::VaultStoreParts out{parts.root_key, parts.clock, parts.io.get_executor(), parts.logger};
  out.on_observation = [on_change = std::move(parts.on_change)](const secrets::SecretRef&) {
    on_change();
  };
  out.on_exchange = [&metrics](const VaultExchange& exchange) { metrics.Note(exchange); };
  return out;
}

}  // namespace

VaultService::VaultService(const VaultOptions& options, Parts parts)
    : io_(parts.io),
      request_metrics_(parts.registry),
      store_(options, StoreParts(parts, request_metrics_)),
      state_metrics_(std::make_shared<VaultStateMetrics>(store_, parts.catalog)) {}

connectors::CredentialView VaultService::View() {
  return {[this](const std::vector<secrets::SecretNeed>& needs) {
            std::vector<secrets::SecretRef> refs;
            refs.reserve(needs.size());
            for (const secrets::SecretNeed& need : needs) {
              refs.push_back(need.ref);
            }
            // Changes come as observations; nobody needs them twice.
            store_.Follow(std::move(refs), [](const secrets::SecretRef&) {});
          },
          [this](const secrets::SecretRef& ref, const std::string&) {
            return CredentialStateOf(store_.Observed(ref));
          }};
}

VaultLoginCheck VaultService::Login() {
  return [this](Deadline deadline) { return store_.CheckLogin(deadline); };
}

void VaultService::Stop() {
  std::promise<void> done;
  asio::co_spawn(io_,
                 store_.Stop(std::chrono::steady_clock::now() + kStopTimeout),
                 [&done](const std::exception_ptr&, Done) { done.set_value(); });
  done.get_future().wait();
}

}  // namespace connector::broker::secrets
