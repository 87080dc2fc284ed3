#pragma once

// SecretStore: where the broker reads long-lived credentials and CA bundles from.
//
// Implementations: file/, kubernetes/ and vault/ beside this file. Every one passes
// tests/contract/broker/secrets/secret_store_contract.h unchanged, and so does the fake of
// tests/support.

#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/base/secret.h"
#include "common/resource/connector.h"

#include <compare>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace connector::broker::secrets {

// Names one secret. Never holds it.
struct SecretRef {
  std::string ns;    // The namespace of the Connector that owns the reference.
  std::string name;  // Of a Secret in it; empty when the secret is in Vault.
  std::optional<resource::VaultLocation> vault{};

  bool operator==(const SecretRef&) const = default;
  auto operator<=>(const SecretRef&) const = default;

  // For messages: "the Secret ns/name" or "secret/data/ci/harbor in Vault".
  [[nodiscard]] std::string ToString() const;
};

// The one that `connector` refers to for its credential; nullopt when it needs none.
[[nodiscard]] std::optional<SecretRef> RefOf(const resource::Connector& connector);

struct StoredSecret {
  std::string type;                    // Kubernetes type, for example kubernetes.io/basic-auth.
  std::map<std::string, Secret> data;  // Decoded bytes by key.
  // Changes whenever the content does, and reveals nothing of it (version_digest.h).
  std::string version;
  // When a lease ends; tokens minted from the credential end no later.
  std::optional<WallTime> not_after{};
};

// Thread-safe: calls may overlap and may run on any thread of the broker's executor.
class SecretStore {
 public:
  virtual ~SecretStore() = default;

  // Reads from the store itself, never from a cache of ours: a rotated secret counts at once.
  //
  // Finishes by `deadline`. Errors: kNotFound (no such secret), kPermissionDenied (the store
  // refused the broker's own identity), kDeadlineExceeded, kUnavailable with Retry::kSafe.
  [[nodiscard]] virtual Task<Result<StoredSecret>> Fetch(SecretRef ref, Deadline deadline) = 0;

  // From now on `on_change` is called, on any thread, soon after one of `refs` appeared, changed or
  // vanished. Replaces what was followed before. One follower at a time.
  virtual void Follow(std::vector<SecretRef> refs,
                      std::function<void(const SecretRef&)> on_change) = 0;

  // The registry refused what Fetch returned. True when the store had leased that credential to us:
  // it is revoked, and the next Fetch returns a new one.
  virtual bool Discard(const SecretRef& /*ref*/) { return false; }

 protected:
  SecretStore() = default;
  SecretStore(const SecretStore&) = default;
  SecretStore& operator=(const SecretStore&) = default;
};

// User name and password in a stored secret, or an identity token alone.
struct RegistryCredential {
  std::string username;   // Empty with an identity token.
  Secret password;        // Empty with an identity token.
  Secret identity_token;  // A refresh token for the OAuth2 flow; usually empty.
};

// The one check of a credential's content, for every store: resource::ReadRegistrySecret says what
// it reads. Fails with kInvalidArgument naming the secret and the missing key; never with its
// content.
[[nodiscard]] Result<RegistryCredential> ReadRegistryCredential(
    const SecretRef& ref,
    const StoredSecret& secret,
    const resource::CredentialWanted& wanted,
    std::string_view repository = {});

}  // namespace connector::broker::secrets
