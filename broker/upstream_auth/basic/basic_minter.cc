#include "broker/upstream_auth/basic/basic_minter.h"

#include "common/base/encoding.h"
#include "common/curl/wiped_buffer.h"

#include <algorithm>
#include <utility>

namespace connector::broker::upstream_auth {
namespace {

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

std::unique_ptr<Minter> MakeBasicMinter(const Clock& clock) {
  return std::make_unique<BasicMinter>(clock);
}

Result<Secret> BasicValue(const secrets::RegistryCredential& credential,
                          const ConnectorRef& connector) {
  const std::string& username = credential.username;
  if (username.empty() || credential.password.empty()) {
    return UnusableCredential("the stored credential of connector " + connector.ToString() +
                              " has no user name and password");
  }
  const auto is_bad = [](char c) {
    return c == ':' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  };
  if (std::any_of(username.begin(), username.end(), is_bad)) {
    return UnusableCredential("the stored user name of connector " + connector.ToString() +
                              " holds a colon or a control character, which Basic cannot carry");
  }
  curl::WipedBuffer joined;
  joined.Append(username);
  joined.Append(":");
  joined.Append(credential.password.Reveal());
  std::string encoded = Base64Encode(joined.view());
  Secret value(encoded);
  curl::Wipe(encoded);
  return value;
}

}  // namespace connector::broker::upstream_auth
