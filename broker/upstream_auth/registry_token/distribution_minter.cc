// tokenAuth: a token service exchanges the stored credential for a token of just the scopes asked
// (secret class derived). The realm comes from the registry and is used only when the Connector
// pins it. A registry whose /v2/ asks for nothing gets no credential (scheme kNone).

#include "broker/upstream_auth/minters.h"
#include "broker/upstream_auth/registry_token/token_flow.h"

#include <utility>

namespace connector::broker::upstream_auth {
namespace {

class DistributionMinter final : public Minter {
 public:
  DistributionMinter(UpstreamClient& client, const Clock& clock) : flow_(client, clock) {}

  Task<Result<UpstreamToken>> Mint(MintRequest request, Deadline deadline) override {
    if (request.credential == nullptr) {
      co_return MakeError(
          ErrorCode::kInvalidArgument,
          ErrorOrigin::kUpstream,
          "connector " + request.connector->ref.ToString() + " has no stored credential");
    }
    co_return co_await flow_.Run(std::move(request), deadline);
  }

 private:
  TokenFlow flow_;
};

}  // namespace

std::unique_ptr<Minter> MakeTokenAuthMinter(const MinterParts& parts) {
  return std::make_unique<DistributionMinter>(parts.client, parts.clock);
}

}  // namespace connector::broker::upstream_auth
