#pragma once

// Builds the requests to Vault's HTTP API. Pure. A token, a lease id or a credential goes into a
// header or a body, never into a path or query, because proxies log those.

#include "broker/secrets/vault/vault_options.h"
#include "broker/secrets/vault/vault_status.h"
#include "common/base/secret.h"
#include "common/resource/vault_location.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace connector::broker::secrets {

struct VaultCall {
  VaultOperation operation = VaultOperation::kRead;
  std::string method = "GET";
  std::string path;  // Without "/v1/".
  std::string query;
  std::string vault_namespace;  // Empty: none is named.
  Secret body;
  Secret sensitive;  // The part of the body that must not appear in a message; may be empty.

  [[nodiscard]] VaultCall Clone() const;
};

[[nodiscard]] VaultCall KubernetesLoginCall(const KubernetesLogin& login, std::string_view jwt);
[[nodiscard]] VaultCall AppRoleLoginCall(const AppRoleLogin& login, std::string_view secret_id);
[[nodiscard]] VaultCall CertLoginCall(const CertLogin& login);

// The first asks what a wrapping token was made for. The second, sent with that token, returns what
// it wraps; that works once.
[[nodiscard]] VaultCall LookupWrappingCall(std::string_view wrapping_token);
[[nodiscard]] VaultCall UnwrapCall();

[[nodiscard]] VaultCall LookupSelfCall();
[[nodiscard]] VaultCall RenewSelfCall(std::chrono::seconds increment);
[[nodiscard]] VaultCall RevokeSelfCall();

[[nodiscard]] VaultCall ReadCall(const resource::VaultLocation& location);
// Of a KV v2 path "MOUNT/data/REST"; nullopt when it does not read like one.
[[nodiscard]] std::optional<VaultCall> MetadataCall(const resource::VaultLocation& location);

// `location` is what the lease came from, for its namespace.
[[nodiscard]] VaultCall RenewLeaseCall(const resource::VaultLocation& location,
                                       std::string_view lease_id,
                                       std::chrono::seconds increment);
[[nodiscard]] VaultCall RevokeLeaseCall(const resource::VaultLocation& location,
                                        std::string_view lease_id);

}  // namespace connector::broker::secrets
