#include "broker/app/verifiers.h"

#include "broker/callers/local/local_verifier.h"
#include "broker/callers/oidc/oidc_verifier.h"

#include <optional>
#include <utility>
#include <vector>

namespace connector::broker::app {
namespace {

constexpr int kHttpOk = 200;
constexpr std::size_t kMaxKeyDocumentBytes = 256 * 1024;

Task<Result<std::string>> Fetch(curl::CurlClient* client,
                                http::Url url,
                                std::string ca_pem,
                                Deadline deadline) {
  curl::CurlRequest request;
  request.url = url;
  request.ca_pem = std::move(ca_pem);
  request.max_response_bytes = kMaxKeyDocumentBytes;
  const Result<curl::CurlResponse> response =
      co_await client->Perform(std::move(request), deadline);
  if (!response) {
    co_return response.error();
  }
  if (response->status != kHttpOk) {
    Error error = MakeError(
        ErrorCode::kUnavailable,
        ErrorOrigin::kUpstream,
        url.origin.ToString() + url.path + " answered " + std::to_string(response->status));
    co_return error;
  }
  co_return std::string(response->body.Reveal());  // Public keys: not a secret.
}

Error Named(const std::string& field, const Error& error) {
  Error named = error;
  named.message = field + ": " + error.message;
  return named;
}

Result<std::unique_ptr<callers::CallerVerifier>> MakeOidc(const OidcIssuerOptions& issuer,
                                                          const VerifierParts& parts) {
  callers::OidcOptions options;
  options.source = {issuer.issuer, issuer.ca_pem, std::nullopt, issuer.allow_insecure};
  if (!issuer.jwks_uri.empty()) {
    Result<http::Url> url = http::ParseUrl(issuer.jwks_uri);
    if (!url) {
      return Named("jwksUri", url.error());
    }
    options.source.jwks_uri = std::move(*url);
  }
  options.audience = issuer.audience;
  options.kubernetes = issuer.kubernetes;
  options.on_refresh = parts.on_refresh;
  auto fetch = [client = parts.client](http::Url url, std::string ca_pem, Deadline deadline) {
    return Fetch(client, std::move(url), std::move(ca_pem), deadline);
  };
  return callers::MakeOidcVerifier(std::move(options), std::move(fetch), *parts.clock);
}

}  // namespace

Result<std::unique_ptr<callers::CallerVerifier>> MakeVerifier(const Options& options,
                                                              VerifierParts parts) {
  std::vector<callers::IssuerVerifier> verifiers;
  if (options.local_issuer) {
    auto local = callers::MakeLocalVerifier({options.local_issuer->issuer,
                                             options.audience,
                                             options.local_issuer->jwks_file,
                                             parts.on_refresh},
                                            *parts.clock);
    if (!local) {
      return Named("identity.local", local.error());
    }
    verifiers.push_back({options.local_issuer->issuer, std::move(*local)});
  }
  for (std::size_t i = 0; i < options.oidc_issuers.size(); ++i) {
    auto oidc = MakeOidc(options.oidc_issuers[i], parts);
    if (!oidc) {
      return Named(config::Join("identity.oidc", i), oidc.error());
    }
    verifiers.push_back({options.oidc_issuers[i].issuer, std::move(*oidc)});
  }
  std::shared_ptr<const callers::DiscoveredIssuer> late;
  if (parts.access != nullptr) {
    auto cluster = parts.access->Verifier();
    if (!cluster) {
      return Named("identity.kubernetes", cluster.error());
    }
    if (*cluster) {
      verifiers.push_back(std::move(**cluster));
    }
    late = parts.access->discovered_issuer();
  }
  auto chain = callers::MakeVerifierChain(
      std::move(verifiers), *parts.clock, std::move(parts.on_verify), std::move(late));
  return chain ? std::move(chain) : Named("identity", chain.error());
}

}  // namespace connector::broker::app
