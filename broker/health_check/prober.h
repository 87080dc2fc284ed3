#pragma once

// Prober: checks whether a connector works. It runs the steps that a person would try by hand, and
// says for the first failure what to do. CheckConnector returns its steps.
//
// It requests nothing beyond the connector's rights and uses the token source of IssueToken, with
// its cache, backoff and rate limit. It writes nothing and follows no redirect. Messages name the
// registry, the connector and the Secret, and never hold a credential.

#include "broker/connectors/catalog.h"
#include "broker/secrets/secret_store.h"
#include "broker/secrets/vault/vault_status.h"
#include "broker/upstream_auth/token_source.h"
#include "broker/upstream_auth/upstream_client.h"
#include "common/async/task.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace connector::broker::health_check {

// The parameter of spec.auth.params that names the repository to read.
inline constexpr char kRepositoryParameter[] = "repository";

struct HealthCheckStep {
  std::string name;  // "secret", "liveness", "auth", "read"; "vault-login" and so on
  bool ok = false;
  // CamelCase, for conditions; "Ok" when ok, "SecretOptional" where no credential is needed.
  std::string reason;
  std::string message;  // A sentence that says what was found, or what to do.
  std::chrono::nanoseconds took{0};
};

// Thread-safe.
class Prober {
 public:
  // All must outlive the prober.
  Prober(secrets::SecretStore& store,
         upstream_auth::TokenSource& tokens,
         upstream_auth::UpstreamClient& client,
         secrets::VaultLoginCheck vault_login)
      : store_(store), tokens_(tokens), client_(client), vault_login_(std::move(vault_login)) {}

  // The steps, in this order: secret (the Secret exists and has its keys, and so has the one of the
  // CA bundle). For a credential in Vault instead: vault-login, vault-read (Vault lets us read the
  // path), vault-keys (the path holds a credential). Then liveness (GET /v2/ answers 200 or 401),
  // auth (a token can be minted: to pull the repository parameter, else without a scope), read (GET
  // the repository's tags; only with that parameter). Stops at the first failure.
  [[nodiscard]] Task<std::vector<HealthCheckStep>> Check(
      std::shared_ptr<const connectors::CatalogEntry> entry, Deadline deadline);

 private:
  struct CheckContext;
  using CheckContextPointer = std::shared_ptr<CheckContext>;
  using Step = Task<HealthCheckStep> (Prober::*)(CheckContextPointer);

  [[nodiscard]] static std::vector<Step> StepsOf(const CheckContext& context);
  [[nodiscard]] static HealthCheckStep CheckCredential(const char* name,
                                                       const CheckContext& context);
  [[nodiscard]] static HealthCheckStep CheckCa(const char* name,
                                               const CheckContext& context,
                                               HealthCheckStep step);
  [[nodiscard]] Task<HealthCheckStep> CheckSecret(CheckContextPointer context);
  [[nodiscard]] Task<HealthCheckStep> CheckVaultLogin(CheckContextPointer context);
  [[nodiscard]] Task<HealthCheckStep> CheckVaultRead(CheckContextPointer context);
  [[nodiscard]] Task<HealthCheckStep> CheckVaultKeys(CheckContextPointer context);
  [[nodiscard]] Task<HealthCheckStep> CheckLiveness(CheckContextPointer context);
  [[nodiscard]] Task<HealthCheckStep> CheckAuth(CheckContextPointer context);
  [[nodiscard]] Task<HealthCheckStep> CheckRead(CheckContextPointer context);

  secrets::SecretStore& store_;
  upstream_auth::TokenSource& tokens_;
  upstream_auth::UpstreamClient& client_;
  const secrets::VaultLoginCheck vault_login_;
};

// All must outlive the prober.
[[nodiscard]] std::unique_ptr<Prober> MakeProber(secrets::SecretStore& store,
                                                 upstream_auth::TokenSource& tokens,
                                                 upstream_auth::UpstreamClient& client,
                                                 secrets::VaultLoginCheck vault_login = {});

}  // namespace connector::broker::health_check
