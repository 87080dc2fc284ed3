#pragma once

// UpstreamAuthService: the token source with a minter for each kind of upstream authentication, and
// the client that they ask registries with. The only switch over the kinds.

#include "broker/secrets/secret_store.h"
#include "broker/upstream_auth/minting_token_source.h"
#include "broker/upstream_auth/upstream_client.h"
#include "common/log/log.h"
#include "common/program/component.h"

#include <memory>

namespace connector::broker::upstream_auth {

class UpstreamAuthService final : public program::Component {
 public:
  // All outlive the service.
  struct Parts {
    secrets::SecretStore& store;
    const Clock& clock;
    Executor executor;
    prometheus::Registry& registry;
    log::Logger& logger;
  };

  explicit UpstreamAuthService(Parts parts);

  [[nodiscard]] TokenSource& tokens() { return *tokens_; }
  // For others who ask registries.
  [[nodiscard]] UpstreamClient& client() { return client_; }

  void Stop(Deadline deadline) override;

 private:
  const Executor executor_;
  UpstreamClient client_;
  std::unique_ptr<MintingTokenSource> tokens_;
};

}  // namespace connector::broker::upstream_auth
