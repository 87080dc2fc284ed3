#include "broker/probe/prober.h"

#include <optional>
#include <string_view>
#include <utility>

namespace connector::broker::probe {
namespace {

using EntryPointer = std::shared_ptr<const catalog::Entry>;

ProbeStep Passed(std::string name, std::string message) {
  return {std::move(name), true, "Ok", std::move(message), {}};
}

ProbeStep Failed(std::string name, std::string reason, std::string message) {
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

ProbeStep TransferFailed(std::string name, const Error& error) {
  return Failed(std::move(name),
                error.code == ErrorCode::kDeadlineExceeded ? "Timeout" : "ConnectionFailed",
                error.message);
}

http::CurlRequest Get(const catalog::Entry& entry, std::string path, std::string query) {
  http::CurlRequest request;
  request.url = {entry.connector->address, std::move(path), std::move(query)};
  request.ca_pem = entry.ca_pem;
  request.connect_timeout = entry.connector->upstream.limits.connect_timeout;
  return request;
}

std::optional<std::string> RepositoryOf(const catalog::Entry& entry) {
  const auto& params = entry.connector->auth.params;
  const auto found = params.find(kRepositoryParameter);
  return found == params.end() ? std::nullopt : std::optional(found->second);
}

ProbeStep ReadLiveness(const http::CurlResponse& response, const std::string& registry) {
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

ProbeStep ReadTags(const http::CurlResponse& response, const std::string& repository) {
  switch (response.status) {
    case 200:
      return Passed("read", "the tags of " + repository + " can be read");
    case 401:
    case 403:
      return Failed("read",
                    "AccessDenied",
                    "the registry does not let the stored credential read " + repository);
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

class RealProber final : public Prober {
 public:
  RealProber(store::SecretStore& store, mint::TokenSource& tokens, http::CurlClient& client)
      : store_(store), tokens_(tokens), client_(client) {}

  Task<std::vector<ProbeStep>> Check(EntryPointer entry, Deadline deadline) override {
    std::vector<ProbeStep> steps;
    std::shared_ptr<const mint::UpstreamToken> token;
    const bool reads = RepositoryOf(*entry).has_value();
    for (int next = 0; next < (reads ? 4 : 3); ++next) {
      const auto start = std::chrono::steady_clock::now();
      ProbeStep step;
      if (next == 0) {
        step = co_await CheckSecret(entry, deadline);
      } else if (next == 1) {
        step = co_await CheckLiveness(entry, deadline);
      } else if (next == 2) {
        step = co_await CheckAuth(entry, &token, deadline);
      } else {
        step = co_await CheckRead(entry, token, deadline);
      }
      step.took = std::chrono::steady_clock::now() - start;
      const bool ok = step.ok;
      steps.push_back(std::move(step));
      if (!ok) {
        break;
      }
    }
    co_return steps;
  }

 private:
  Task<ProbeStep> CheckSecret(EntryPointer entry, Deadline deadline) {
    const resource::Connector& connector = *entry->connector;
    if (!connector.auth.secret_name) {
      co_return Passed("secret", "this connector needs no Secret");
    }
    const store::SecretRef ref{connector.ref.ns, *connector.auth.secret_name};
    const Result<store::StoredSecret> secret = co_await store_.Fetch(ref, deadline);
    if (!secret) {
      co_return Failed("secret", SecretReason(secret.error().code), secret.error().message);
    }
    const Result<store::RegistryCredential> credential =
        store::ReadRegistryCredential(ref, *secret, connector.address.Authority());
    if (!credential) {
      co_return Failed("secret", SecretReason(credential.error().code), credential.error().message);
    }
    co_return Passed("secret", "Secret " + ref.ns + "/" + ref.name + " holds a credential");
  }

  Task<ProbeStep> CheckLiveness(EntryPointer entry, Deadline deadline) {
    http::CurlRequest request = Get(*entry, "/v2/", "");
    const Result<http::CurlResponse> response =
        co_await client_.Perform(std::move(request), deadline);
    if (!response) {
      co_return TransferFailed("liveness", response.error());
    }
    co_return ReadLiveness(*response, entry->connector->address.Authority());
  }

  Task<ProbeStep> CheckAuth(EntryPointer entry,
                            std::shared_ptr<const mint::UpstreamToken>* token,
                            Deadline deadline) {
    std::vector<oci::Scope> scopes;
    if (const std::optional<std::string> repository = RepositoryOf(*entry)) {
      if (!oci::IsRepository(*repository)) {
        co_return Failed("auth",
                         "AuthMisconfigured",
                         "the parameter repository of spec.auth.params is not a repository's name");
      }
      scopes.push_back({*repository, {oci::Action::kPull}});
    }
    Result<std::shared_ptr<const mint::UpstreamToken>> minted =
        co_await tokens_.Get(entry, std::move(scopes), deadline);
    if (!minted) {
      co_return Failed("auth", AuthReason(minted.error().code), minted.error().message);
    }
    *token = *std::move(minted);
    co_return Passed("auth",
                     (*token)->scheme == mint::CredentialScheme::kNone
                         ? "the registry asks for no credential"
                         : "a token for the registry can be had");
  }

  Task<ProbeStep> CheckRead(EntryPointer entry,
                            std::shared_ptr<const mint::UpstreamToken> token,
                            Deadline deadline) {
    const std::string repository = *RepositoryOf(*entry);
    http::CurlRequest request = Get(*entry, "/v2/" + repository + "/tags/list", "n=1");
    // P5: the address is the origin that this connector pins.
    if (token->scheme != mint::CredentialScheme::kNone) {
      const std::string_view prefix =
          token->scheme == mint::CredentialScheme::kBasic ? "Basic " : "Bearer ";
      request.headers.push_back({"Authorization", Secret(prefix, token->value.Reveal(), "")});
    }
    const Result<http::CurlResponse> response =
        co_await client_.Perform(std::move(request), deadline);
    if (!response) {
      co_return TransferFailed("read", response.error());
    }
    co_return ReadTags(*response, repository);
  }

  store::SecretStore& store_;
  mint::TokenSource& tokens_;
  http::CurlClient& client_;
};

}  // namespace

std::unique_ptr<Prober> MakeProber(store::SecretStore& store,
                                   mint::TokenSource& tokens,
                                   http::CurlClient& client) {
  return std::make_unique<RealProber>(store, tokens, client);
}

}  // namespace connector::broker::probe
