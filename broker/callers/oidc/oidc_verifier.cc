#include "broker/callers/oidc/oidc_verifier.h"

#include "broker/callers/oidc/issuer_keys.h"
#include "broker/callers/token_check.h"

#include <functional>
#include <utility>

namespace connector::broker::callers {
namespace {

class OidcVerifier final : public CallerVerifier {
 public:
  OidcVerifier(TokenRules rules, std::shared_ptr<IssuerKeys> keys, const Clock& clock)
      : rules_(std::move(rules)), keys_(std::move(keys)), clock_(clock) {}

  Task<Result<Caller>> Verify(const UnverifiedToken& token, Deadline deadline) override {
    const std::string_view bytes = token.UncheckedBytes().Reveal();
    std::function<Result<Caller>(const jose::JwkSet&)> check = [this, bytes](const auto& keys) {
      return CheckToken(bytes, keys, rules_, clock_.Now());
    };
    co_return co_await keys_->Check(std::move(check), deadline);
  }

 private:
  const TokenRules rules_;
  const std::shared_ptr<IssuerKeys> keys_;
  const Clock& clock_;
};

}  // namespace

Result<std::unique_ptr<CallerVerifier>> MakeOidcVerifier(OidcOptions options,
                                                         FetchDocument fetch,
                                                         const Clock& clock) {
  const auto refuse = [&](const std::string& why) {
    return MakeError(ErrorCode::kInvalidArgument,
                     ErrorOrigin::kSelf,
                     "issuer \"" + options.source.issuer + "\": " + why);
  };
  if (options.audience.empty()) {
    return refuse("no audience");
  }
  if (const auto url = DiscoveryUrl(options.source.issuer, options.source.allow_insecure); !url) {
    return refuse(url.error().message);
  }
  if (options.source.jwks_uri && !options.source.jwks_uri->origin.tls &&
      !options.source.allow_insecure) {
    return refuse("jwks_uri is an http URL; use https, or allow_insecure for development");
  }
  TokenRules rules{
      options.source.issuer,
      std::move(options.audience),
      options.kubernetes ? SubjectRule::kAlwaysServiceAccount : SubjectRule::kNeverServiceAccount,
      options.own_cluster ? ClusterRule::kOwnCluster : ClusterRule::kOtherCluster,
      options.require_connector_audience};
  IssuerKeysOptions keys{
      std::move(options.source), options.wait_with_old_keys, std::move(options.on_refresh)};
  auto shared = std::make_shared<IssuerKeys>(std::move(keys), std::move(fetch), clock);
  return std::unique_ptr<CallerVerifier>(
      std::make_unique<OidcVerifier>(std::move(rules), std::move(shared), clock));
}

}  // namespace connector::broker::callers
