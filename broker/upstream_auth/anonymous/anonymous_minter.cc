// anonymous: no stored credential. Registries that challenge with Bearer still want a token, which
// their token service gives to everybody; others get no credential at all (scheme kNone). A
// credential in the request is ignored.

#include "broker/upstream_auth/minters.h"
#include "broker/upstream_auth/registry_token/token_flow.h"

#include <utility>

namespace connector::broker::upstream_auth {
namespace {

class AnonymousMinter final : public Minter {
 public:
  AnonymousMinter(UpstreamClient& client, const Clock& clock) : flow_(client, clock) {}

  Task<Result<UpstreamToken>> Mint(MintRequest request, Deadline deadline) override {
    request.credential = nullptr;
    co_return co_await flow_.Run(std::move(request), deadline);
  }

 private:
  TokenFlow flow_;
};

}  // namespace

std::unique_ptr<Minter> MakeAnonymousMinter(const MinterParts& parts) {
  return std::make_unique<AnonymousMinter>(parts.client, parts.clock);
}

}  // namespace connector::broker::upstream_auth
