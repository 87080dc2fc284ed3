// basicAuth: registries that know only Basic. The stored password itself is the token (secret class
// static), so that the Connector must say auth.allowStatic. Contacts nothing.

#include "broker/upstream_auth/basic/basic_value.h"
#include "broker/upstream_auth/minters.h"

#include <chrono>
#include <utility>

namespace connector::broker::upstream_auth {
namespace {

// A password does not expire; after this time a data plane must request it again.
constexpr std::chrono::hours kBasicLife{1};

Error UnusableCredential(std::string message) {
  return MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kUpstream, std::move(message));
}

class BasicMinter final : public Minter {
 public:
  explicit BasicMinter(const Clock& clock) : clock_(clock) {}

  Task<Result<UpstreamToken>> Mint(MintRequest request, Deadline /*deadline*/) override {
    const resource::Connector& connector = *request.connector;
    // The data plane will hold the password itself, which the administrator must have allowed.
    if (!connector.auth.allow_static) {
      co_return UnusableCredential(
          "connector " + connector.ref.ToString() +
          " would hand out the stored password; set spec.auth.allowStatic: true to "
          "allow that");
    }
    if (request.credential == nullptr) {
      co_return UnusableCredential("connector " + connector.ref.ToString() +
                                   " has no stored credential");
    }
    Result<Secret> value = BasicValue(*request.credential, connector.ref);
    if (!value) {
      co_return std::move(value).error();
    }
    co_return UpstreamToken{
        CredentialScheme::kBasic, *std::move(value), clock_.Now() + kBasicLife, false};
  }

 private:
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<Minter> MakeBasicAuthMinter(const MinterParts& parts) {
  return std::make_unique<BasicMinter>(parts.clock);
}

}  // namespace connector::broker::upstream_auth
