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
#include "common/async/task.h"
#include "common/curl/curl_client.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
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
  virtual ~Prober() = default;

  // In their order: secret (it is there and has its keys, and so has the CA bundle's), or of a
  // credential in Vault: vault-login, vault-read (Vault lets us read the path), vault-keys (what is
  // there is a credential); liveness (GET /v2/ answers 200 or 401), auth (a token can be minted: to
  // pull the repository parameter, else without a scope), read (GET the repository's tags; only
  // with that parameter). Stops at the first failure.
  [[nodiscard]] virtual Task<std::vector<HealthCheckStep>> Check(
      std::shared_ptr<const connectors::CatalogEntry> entry, Deadline deadline) = 0;

 protected:
  Prober() = default;
  Prober(const Prober&) = default;
  Prober& operator=(const Prober&) = default;
};

// All must outlive the prober.
[[nodiscard]] std::unique_ptr<Prober> MakeProber(secrets::SecretStore& store,
                                                 upstream_auth::TokenSource& tokens,
                                                 curl::CurlClient& client,
                                                 secrets::VaultLoginCheck vault_login = {});

}  // namespace connector::broker::health_check
