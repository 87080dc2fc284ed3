#include "broker/upstream_auth/anonymous/anonymous_minter.h"

#include "broker/upstream_auth/registry_token/token_flow.h"

#include <utility>

namespace connector::broker::upstream_auth {
namespace {

class AnonymousMinter final : public Minter {
 public:
  AnonymousMinter(curl::CurlClient& client, const Clock& clock) : flow_(client, clock) {}

  Task<Result<UpstreamToken>> Mint(MintRequest request, Deadline deadline) override {
    request.credential = nullptr;
    co_return co_await flow_.Run(std::move(request), deadline);
  }

 private:
  TokenFlow flow_;
};

}  // namespace

std::unique_ptr<Minter> MakeAnonymousMinter(curl::CurlClient& client, const Clock& clock) {
  return std::make_unique<AnonymousMinter>(client, clock);
}

}  // namespace connector::broker::upstream_auth
