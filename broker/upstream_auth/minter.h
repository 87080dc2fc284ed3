#pragma once

// Minter: makes a short-lived upstream token from a stored credential, for exactly some scopes.
//
// One implementation for each kind of authentication (minters.h), in a folder of its own. Each
// passes tests/contract/broker/upstream_auth/minter_contract.h. A minter talks to the token service
// and nothing else: it never caches (token_source.h does), reads no store, and contacts only
// origins that the Connector pins (docs/promises.md P5).

#include "broker/secrets/secret_store.h"
#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/base/secret.h"
#include "common/oci/reference.h"
#include "common/resource/connector.h"
#include "common/routing/upstream_policy.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace connector::broker::upstream_auth {

enum class CredentialScheme : std::uint8_t { kNone, kBearer, kBasic };

struct UpstreamToken {
  CredentialScheme scheme = CredentialScheme::kNone;
  Secret value;  // What follows "Bearer " or "Basic ".
  WallTime not_after;
  bool single_use = false;  // Lifetime zero, negative or absurd: serves one request, is not cached.
};

struct MintRequest {
  std::shared_ptr<const resource::Connector> connector;
  std::shared_ptr<const secrets::RegistryCredential> credential;  // Null for anonymous.
  std::string ca_pem;                                             // Added to the system's trust.
  // What holds for the connector's namespace. Never null.
  std::shared_ptr<const routing::UpstreamPolicy> policy =
      std::make_shared<routing::UpstreamPolicy>();
  std::vector<oci::Scope> scopes;  // Sorted, no duplicates.
};

// Thread-safe.
class Minter {
 public:
  virtual ~Minter() = default;

  // Errors, all with origin kUpstream: kPermissionDenied (the credential was refused),
  // kResourceExhausted (rate limited; retry_after), kDeadlineExceeded, kUnavailable (no answer, TLS
  // failure, 5xx), kInvalidArgument (an answer that makes no sense, or a realm that is not pinned).
  // The message is a sentence for the client's user: names the registry, never the credential.
  [[nodiscard]] virtual Task<Result<UpstreamToken>> Mint(MintRequest request,
                                                         Deadline deadline) = 0;

 protected:
  Minter() = default;
  Minter(const Minter&) = default;
  Minter& operator=(const Minter&) = default;
};

}  // namespace connector::broker::upstream_auth
