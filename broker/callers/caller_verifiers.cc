#include "broker/callers/caller_verifiers.h"

#include "broker/callers/local/local_verifier.h"
#include "broker/callers/oidc/oidc_verifier.h"

#include <optional>
#include <utility>
#include <vector>

namespace connector::broker::callers {
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

Result<std::unique_ptr<CallerVerifier>> MakeOidc(const OidcIssuerOptions& issuer,
                                                 bool require_connector_audience,
                                                 const VerifierParts& parts) {
  OidcOptions options;
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
  options.own_cluster = issuer.own_cluster;
  options.require_connector_audience = require_connector_audience;
  options.on_refresh = parts.on_refresh;
  auto fetch = [client = parts.client](http::Url url, std::string ca_pem, Deadline deadline) {
    return Fetch(client, std::move(url), std::move(ca_pem), deadline);
  };
  return MakeOidcVerifier(std::move(options), std::move(fetch), *parts.clock);
}

}  // namespace

Result<std::unique_ptr<CallerVerifier>> MakeCallerVerifier(const CallersOptions& options,
                                                           VerifierParts parts) {
  std::vector<IssuerVerifier> verifiers;
  if (options.local) {
    auto local = MakeLocalVerifier({options.local->issuer,
                                    options.audience,
                                    options.local->jwks_file,
                                    parts.on_refresh,
                                    options.local->own_cluster,
                                    options.require_connector_audience},
                                   *parts.clock);
    if (!local) {
      return Named("identity.local", local.error());
    }
    verifiers.push_back({options.local->issuer, std::move(*local)});
  }
  for (std::size_t i = 0; i < options.oidc.size(); ++i) {
    auto oidc = MakeOidc(options.oidc[i], options.require_connector_audience, parts);
    if (!oidc) {
      return Named(config::Join("identity.oidc", i), oidc.error());
    }
    verifiers.push_back({options.oidc[i].issuer, std::move(*oidc)});
  }
  std::shared_ptr<const DiscoveredIssuer> late;
  if (parts.kubernetes != nullptr) {
    auto cluster = parts.kubernetes->Verifier();
    if (!cluster) {
      return Named("identity.kubernetes", cluster.error());
    }
    if (*cluster) {
      verifiers.push_back(std::move(**cluster));
    }
    late = parts.kubernetes->discovered_issuer();
  }
  auto chain = MakeVerifierChain(
      std::move(verifiers), *parts.clock, std::move(parts.on_verify), std::move(late));
  return chain ? std::move(chain) : Named("identity", chain.error());
}

Result<std::unique_ptr<CallerService>> CallerService::Make(const CallersOptions& options,
                                                           Parts parts) {
  std::unique_ptr<CallerService> service(new CallerService());
  VerifierParts verifying;
  verifying.client = &service->client_;
  verifying.clock = &parts.clock;
  verifying.on_refresh = ObserveKeyRefreshes(parts.metrics, parts.logger);
  verifying.on_verify = [&metrics = parts.metrics](VerifyOutcome outcome) {
    metrics.Verified(outcome);
  };
  verifying.kubernetes = parts.kubernetes;
  auto verifier = MakeCallerVerifier(options, std::move(verifying));
  if (!verifier) {
    return verifier.error();
  }
  service->verifier_ = std::move(*verifier);
  return service;
}

void CallerService::Stop(Deadline /*deadline*/) {
  client_.Shutdown();
}

}  // namespace connector::broker::callers
