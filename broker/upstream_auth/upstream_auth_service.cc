#include "broker/upstream_auth/upstream_auth_service.h"

#include "broker/upstream_auth/anonymous/anonymous_minter.h"
#include "broker/upstream_auth/basic/basic_minter.h"
#include "broker/upstream_auth/registry_token/distribution_minter.h"
#include "common/async/block_on.h"

namespace connector::broker::upstream_auth {

UpstreamAuthService::UpstreamAuthService(Parts parts)
    : executor_(parts.executor),
      tokens_(MakeTokenSource(
          {parts.store,
           {{resource::AuthKind::kTokenAuth, MakeDistributionMinter(client_, parts.clock)},
            {resource::AuthKind::kBasicAuth, MakeBasicMinter(parts.clock)},
            {resource::AuthKind::kAnonymous, MakeAnonymousMinter(client_, parts.clock)}},
           parts.clock,
           parts.executor,
           parts.registry,
           {},
           {}})) {}

void UpstreamAuthService::Stop(Deadline /*deadline*/) {
  client_.Shutdown();  // First: mints under way end at once.
  BlockOn(executor_, tokens_->Stop());
}

}  // namespace connector::broker::upstream_auth
