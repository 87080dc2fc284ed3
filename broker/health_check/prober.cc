#include "broker/health_check/prober.h"

#include <optional>
#include <string_view>
#include <utility>

namespace connector::broker::health_check {
namespace {

using EntryPointer = std::shared_ptr<const connectors::CatalogEntry>;

HealthCheckStep Passed(std::string name, std::string message, std::string reason = "Ok") {
  return {std::move(name), true, std::move(reason), std::move(message), {}};
}

HealthCheckStep Failed(std::string name, std::string reason, std::string message) {
  return {std::move(name), false, std::move(reason), std::move(message), {}};
}

std::string SecretReason(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotFound:
      return "SecretNotFound";
    case ErrorCode::kInvalidArgument:
      return "SecretInvalid";
    case ErrorCode::kPermissionDenied:
      return "SecretStoreRefused";
    default:
      return "SecretStoreUnavailable";
  }
}

std::string AuthReason(ErrorCode code) {
  switch (code) {
    case ErrorCode::kPermissionDenied:
      return "CredentialRefused";
    case ErrorCode::kInvalidArgument:
      return "AuthMisconfigured";
    case ErrorCode::kNotFound:
      return "SecretNotFound";
    case ErrorCode::kResourceExhausted:
      return "RateLimited";
    case ErrorCode::kDeadlineExceeded:
      return "TokenServiceTimeout";
    default:
      return "TokenServiceUnavailable";
  }
}

HealthCheckStep TransferFailed(std::string name, const Error& error) {
  return Failed(std::move(name),
                error.code == ErrorCode::kDeadlineExceeded ? "Timeout" : "ConnectionFailed",
                error.message);
}

constexpr const char* kNotAllowed = "UpstreamNotAllowed";

std::optional<std::string> NotAllowed(const connectors::CatalogEntry& entry,
                                      const http::Origin& origin) {
  return routing::PolicyProblem(*entry.policy, entry.connector->ref.ns, origin);
}

curl::CurlRequest Get(const connectors::CatalogEntry& entry, std::string path, std::string query) {
  curl::CurlRequest request;
  request.url = {entry.connector->address, std::move(path), std::move(query)};
  request.ca_pem = entry.ca.pem();
  request.connect_timeout = entry.connector->upstream.limits.connect_timeout;
  return request;
}

std::optional<std::string> RepositoryOf(const connectors::CatalogEntry& entry) {
  const auto& params = entry.connector->auth.params;
  const auto found = params.find(kRepositoryParameter);
  return found == params.end() ? std::nullopt : std::optional(found->second);
}

HealthCheckStep ReadLiveness(const curl::CurlResponse& response, const std::string& registry) {
  if (response.status == 200 || response.status == 401) {
    return Passed("liveness", "the registry " + registry + " answers");
  }
  const std::string status = std::to_string(response.status);
  if (response.status >= 300 && response.status < 400) {
    return Failed("liveness",
                  "Redirected",
                  "the registry " + registry +
                      " redirects /v2/; set spec.address to where the registry really is");
  }
  if (response.status == 429 || response.status >= 500) {
    return Failed("liveness",
                  "RegistryUnavailable",
                  "the registry " + registry + " answers /v2/ with status " + status);
  }
  return Failed("liveness",
                "NotARegistry",
                "what answers at " + registry + " is no registry (status " + status +
                    " at /v2/); check spec.address");
}

HealthCheckStep ReadTags(const curl::CurlResponse& response, const std::string& repository) {
  switch (response.status) {
    case 200:
      return Passed("read", "the tags of " + repository + " can be read");
    case 401:
    case 403:
      return Failed("read",
                    "AccessDenied",
                    "the registry refused to list the tags of " + repository +
                        "; it may not exist there, or the connector may have no right to it");
    case 404:
      return Failed("read",
                    "RepositoryNotFound",
                    "there is no repository " + repository +
                        "; set the parameter repository of spec.auth.params to one that exists");
    default:
      return Failed("read",
                    "UnexpectedStatus",
                    "the registry answers the tags of " + repository + " with status " +
                        std::to_string(response.status));
  }
}

std::string LoginText(const secrets::VaultLoginInfo& login) {
  std::string policies;
  for (const std::string& policy : login.policies) {
    policies.append(policies.empty() ? "" : ", ").append(policy);
  }
  return "logged in to Vault by " + login.method + ", with " +
         (policies.empty() ? "no policy but default" : "the policies: " + policies);
}

HealthCheckStep SecretFailed(const char* name, const Error& error) {
  return Failed(name, SecretReason(error.code), error.message);
}

}  // namespace

// What the steps of one check share.
struct Prober::CheckContext {
  EntryPointer entry;
  std::optional<secrets::SecretRef> ref;
  std::optional<Result<secrets::StoredSecret>> secret;
  std::shared_ptr<const upstream_auth::UpstreamToken> token;
  Deadline deadline;
};

Task<std::vector<HealthCheckStep>> Prober::Check(EntryPointer entry, Deadline deadline) {
  auto context = std::make_shared<CheckContext>();
  context->entry = std::move(entry);
  context->ref = secrets::RefOf(*context->entry->connector);
  context->deadline = deadline;
  std::vector<HealthCheckStep> steps;
  for (const auto run : StepsOf(*context)) {
    const auto start = std::chrono::steady_clock::now();
    HealthCheckStep step = co_await (this->*run)(context);
    step.took = std::chrono::steady_clock::now() - start;
    const bool ok = step.ok;
    steps.push_back(std::move(step));
    if (!ok) {
      break;
    }
  }
  co_return steps;
}

std::vector<Prober::Step> Prober::StepsOf(const CheckContext& context) {
  std::vector<Step> steps{&Prober::CheckSecret};
  if (context.ref && context.ref->vault) {
    steps = {&Prober::CheckVaultLogin, &Prober::CheckVaultRead, &Prober::CheckVaultKeys};
  }
  steps.insert(steps.end(), {&Prober::CheckLiveness, &Prober::CheckAuth});
  if (RepositoryOf(*context.entry)) {
    steps.push_back(&Prober::CheckRead);
  }
  return steps;
}

Task<HealthCheckStep> Prober::CheckSecret(CheckContextPointer context) {
  if (!context->ref) {
    co_return CheckCa(
        "secret", *context, Passed("secret", "this connector needs no Secret", "SecretOptional"));
  }
  context->secret = co_await store_.Fetch(*context->ref, context->deadline);
  if (!*context->secret) {
    co_return SecretFailed("secret", context->secret->error());
  }
  co_return CheckCredential("secret", *context);
}

Task<HealthCheckStep> Prober::CheckVaultLogin(CheckContextPointer context) {
  if (!vault_login_) {
    co_return Failed("vault-login",
                     "NoVault",
                     "this broker's configuration has no vault; add it, or use secretRef");
  }
  const Result<secrets::VaultLoginInfo> login = co_await vault_login_(context->deadline);
  if (!login) {
    const bool refused = login.error().code == ErrorCode::kPermissionDenied ||
                         login.error().code == ErrorCode::kInvalidArgument;
    co_return Failed(
        "vault-login", refused ? "LoginRefused" : "VaultUnavailable", login.error().message);
  }
  co_return Passed("vault-login", LoginText(*login));
}

Task<HealthCheckStep> Prober::CheckVaultRead(CheckContextPointer context) {
  context->secret = co_await store_.Fetch(*context->ref, context->deadline);
  const Result<secrets::StoredSecret>& secret = *context->secret;
  // With kInvalidArgument Vault let us read; the next step judges the content.
  if (!secret && secret.error().code != ErrorCode::kInvalidArgument) {
    co_return SecretFailed("vault-read", secret.error());
  }
  co_return Passed("vault-read", "Vault lets the broker read " + context->ref->vault->path);
}

Task<HealthCheckStep> Prober::CheckVaultKeys(CheckContextPointer context) {
  if (!*context->secret) {
    co_return SecretFailed("vault-keys", context->secret->error());
  }
  co_return CheckCredential("vault-keys", *context);
}

HealthCheckStep Prober::CheckCredential(const char* name, const CheckContext& context) {
  const Result<secrets::RegistryCredential> credential = secrets::ReadRegistryCredential(
      *context.ref, **context.secret, resource::WantedBy(*context.entry->connector));
  return credential
             ? CheckCa(name, context, Passed(name, context.ref->ToString() + " holds a credential"))
             : SecretFailed(name, credential.error());
}

// `step`, unless the CA bundle cannot be used: liveness would blame the registry's certificate.
HealthCheckStep Prober::CheckCa(const char* name,
                                const CheckContext& context,
                                HealthCheckStep step) {
  const connectors::CatalogEntry& entry = *context.entry;
  const bool lacks = entry.connector->ca_secret_name && entry.ca.empty();
  return lacks ? Failed(name, "CaBundleInvalid", entry.problem) : step;
}

Task<HealthCheckStep> Prober::CheckLiveness(CheckContextPointer context) {
  const EntryPointer& entry = context->entry;
  if (const auto problem = NotAllowed(*entry, entry->connector->address)) {
    co_return Failed("liveness", kNotAllowed, *problem);
  }
  curl::CurlRequest request = Get(*entry, "/v2/", "");
  upstream_auth::UpstreamClient::Purpose purpose{entry->connector->ref, entry->policy};
  const Result<curl::CurlResponse> response =
      co_await client_.Perform(std::move(purpose), std::move(request), context->deadline);
  if (!response) {
    co_return TransferFailed("liveness", response.error());
  }
  co_return ReadLiveness(*response, entry->connector->address.Authority());
}

Task<HealthCheckStep> Prober::CheckAuth(CheckContextPointer context) {
  const EntryPointer& entry = context->entry;
  if (const std::optional<http::Url>& realm = entry->connector->upstream.token_realm) {
    if (const auto problem = NotAllowed(*entry, realm->origin)) {
      co_return Failed("auth", kNotAllowed, *problem);
    }
  }
  std::vector<oci::Scope> scopes;
  if (const std::optional<std::string> repository = RepositoryOf(*entry)) {
    if (!oci::IsRepository(*repository)) {
      co_return Failed("auth",
                       "AuthMisconfigured",
                       "the parameter repository of spec.auth.params is not a repository's name");
    }
    scopes.push_back({*repository, {oci::Action::kPull}});
  }
  Result<std::shared_ptr<const upstream_auth::UpstreamToken>> minted =
      co_await tokens_.Get(entry, std::move(scopes), {}, context->deadline);
  if (!minted) {
    co_return Failed("auth", AuthReason(minted.error().code), minted.error().message);
  }
  context->token = *std::move(minted);
  co_return Passed("auth",
                   context->token->scheme == upstream_auth::CredentialScheme::kNone
                       ? "the registry asks for no credential"
                       : "a token for the registry can be had");
}

Task<HealthCheckStep> Prober::CheckRead(CheckContextPointer context) {
  const EntryPointer& entry = context->entry;
  const std::shared_ptr<const upstream_auth::UpstreamToken>& token = context->token;
  const std::string repository = *RepositoryOf(*entry);
  curl::CurlRequest request = Get(*entry, "/v2/" + repository + "/tags/list", "n=1");
  // docs/promises.md P5: the address is the origin that this connector pins.
  if (token->scheme != upstream_auth::CredentialScheme::kNone) {
    const std::string_view prefix =
        token->scheme == upstream_auth::CredentialScheme::kBasic ? "Basic " : "Bearer ";
    request.headers.push_back({"Authorization", Secret(prefix, token->value.Reveal(), "")});
  }
  upstream_auth::UpstreamClient::Purpose purpose{entry->connector->ref, entry->policy};
  const Result<curl::CurlResponse> response =
      co_await client_.Perform(std::move(purpose), std::move(request), context->deadline);
  if (!response) {
    co_return TransferFailed("read", response.error());
  }
  co_return ReadTags(*response, repository);
}

std::unique_ptr<Prober> MakeProber(secrets::SecretStore& store,
                                   upstream_auth::TokenSource& tokens,
                                   upstream_auth::UpstreamClient& client,
                                   secrets::VaultLoginCheck vault_login) {
  return std::make_unique<Prober>(store, tokens, client, std::move(vault_login));
}

}  // namespace connector::broker::health_check
