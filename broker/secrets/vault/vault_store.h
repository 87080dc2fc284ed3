#pragma once

// VaultSecretStore: credentials in HashiCorp Vault, KV v1 and v2 and engines that lease.
//
// Fetch reads from Vault; only a live lease is kept, in a Secret, until it is replaced. Followed
// references are watched: KV through its metadata, leases by renewing or replacing them before they
// end. Leases that are no longer followed are revoked.

#include "broker/secrets/secret_need.h"
#include "broker/secrets/secret_store.h"
#include "broker/secrets/vault/vault_options.h"
#include "broker/secrets/vault/vault_status.h"
#include "common/base/clock.h"
#include "common/log/log.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace connector::broker::secrets {

enum class VaultKind : std::uint8_t { kUnknown, kKv, kLease };

// What is known of one reference: for the catalog, the status page and the metrics.
struct VaultObservation {
  VaultKind kind = VaultKind::kUnknown;
  // The version read last. Stays while Vault does not answer. Empty when nothing was read yet, or
  // when Vault answered that there is nothing, or that the broker may not read it.
  std::string version;
  // Why the credential cannot be used. Empty while it can, also while Vault is down.
  std::string problem;
  CredentialLacks lacks;         // Of those that FollowNeeds named.
  std::uint32_t kv_version = 0;  // Of KV v2; 0 when there is none.
  std::string lease_hash;        // 16 hexadecimal digits of the lease id's SHA-256.
  std::optional<WallTime> expires_at;
  std::optional<WallTime> last_success;  // Of any answer about this reference.
  std::string last_error;                // Empty after a success.
  std::optional<WallTime> last_error_at;
};

struct VaultStoreParts {
  std::string_view version_key;  // As FileSecretStore's: versions are keyed with it.
  const Clock& clock;
  Executor executor;  // Requests and watching run here, on any number of threads.
  log::Logger& logger;
  // Called on any thread, no lock held, and after Follow's callback when both are due: something
  // of an Observed() that a catalog shows (version, problem) may have changed. May be empty.
  std::function<void(const SecretRef&)> on_observation{};
  VaultExchangeObserver on_exchange{};  // Each request to Vault, for metrics. May be empty.
  std::function<double()> random{};     // In [0, 1), thread-safe. For tests.
};

class VaultSecretWatcher;

class VaultSecretStore final : public SecretStore {
 public:
  VaultSecretStore(VaultOptions options, VaultStoreParts parts);
  // Stop must have returned, or the executor run no more.
  ~VaultSecretStore() override;
  VaultSecretStore(const VaultSecretStore&) = delete;
  VaultSecretStore& operator=(const VaultSecretStore&) = delete;

  // Also fails with kPermissionDenied when the rules do not let `ref.ns` refer to that path, and
  // with kInvalidArgument when Vault holds no credential there (a wrapped answer, a value that is
  // not text). Messages name Vault, the path and what to do, never the secret. kUnavailable carries
  // retry_after.
  [[nodiscard]] Task<Result<StoredSecret>> Fetch(SecretRef ref, Deadline deadline) override;

  // Starts the login too, when `refs` is not empty.
  void Follow(std::vector<SecretRef> refs,
              std::function<void(const SecretRef&)> on_change) override;

  // The same, for those who need to know what a secret lacks for its purpose.
  void FollowNeeds(std::vector<SecretNeed> needs);

  bool Discard(const SecretRef& ref) override;

  // A reference that was neither followed nor fetched has the problem that it was not read yet.
  [[nodiscard]] VaultObservation Observed(const SecretRef& ref) const;
  [[nodiscard]] VaultStatus Status() const;

  // Logs in if necessary and returns the identity. The first step of a health check.
  [[nodiscard]] Task<Result<VaultLoginInfo>> CheckLogin(Deadline deadline);

  // Stops the watches and revokes leases and our own token, as far as `deadline` allows. Call it
  // once; Fetch fails from then on.
  [[nodiscard]] Task<Done> Stop(Deadline deadline);

 private:
  std::shared_ptr<VaultSecretWatcher> watcher_;
};

}  // namespace connector::broker::secrets
