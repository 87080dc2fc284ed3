#include "broker/upstream_auth/registry_token/distribution_minter.h"

#include "broker/upstream_auth/registry_token/token_flow.h"

#include <utility>

namespace connector::broker::upstream_auth {
namespace {

class DistributionMinter final : public Minter {
 public:
  DistributionMinter(curl::CurlClient& client, const Clock& clock) : flow_(client, clock) {}

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

std::unique_ptr<Minter> MakeDistributionMinter(curl::CurlClient& client, const Clock& clock) {
  return std::make_unique<DistributionMinter>(client, clock);
}

}  // namespace connector::broker::upstream_auth
