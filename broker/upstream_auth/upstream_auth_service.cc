#include "broker/upstream_auth/upstream_auth_service.h"

#include "broker/upstream_auth/minters.h"
#include "common/async/block_on.h"

namespace connector::broker::upstream_auth {

UpstreamAuthService::UpstreamAuthService(Parts parts)
    : executor_(parts.executor),
      client_([&logger = parts.logger](const ConnectorRef& connector, const std::string& cause) {
        logger.Warning("could not connect to upstream",
                       {{"connector", connector.ToString()}, {"reason", cause}});
      }),
      tokens_(MakeTokenSource({parts.store,
                               MakeMinters({client_, parts.clock}),
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
