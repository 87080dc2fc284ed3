#pragma once

// Parses Vault's answers into values. Pure. JSON is parsed in memory that is wiped. A message names
// the path, the key and what to do, and never holds content.

#include "broker/secrets/vault/vault_calls.h"
#include "common/base/result.h"
#include "common/base/secret.h"
#include "common/resource/vault_location.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace connector::broker::secrets {

struct VaultAnswer {
  int status = 0;
  Secret body;
};

struct VaultTokenGrant {
  Secret token;  // Empty in a lookup.
  std::string accessor;
  std::vector<std::string> policies;  // Without "default".
  bool has_default_policy = false;
  std::chrono::seconds ttl{0};  // 0: does not end.
  bool renewable = false;
};

struct VaultLeaseGrant {
  Secret id;
  std::chrono::seconds ttl{0};
  bool renewable = false;
};

// The version of a KV v2 secret. Equal as long as the data are; both data and metadata carry it.
struct VaultKvState {
  std::uint32_t version = 0;
  std::string mark;

  bool operator==(const VaultKvState&) const = default;
};

struct VaultReading {
  std::string type;                    // As a Kubernetes Secret's.
  std::map<std::string, Secret> data;  // With the keys that such a type has.
  std::optional<VaultKvState> kv;      // Of KV v2.
  std::optional<VaultLeaseGrant> lease;
};

// Each takes an answer of status 200, or 204 without a body. A body that Vault would not send is
// kUnavailable: a proxy in front of Vault may have sent it, and that passes. ReadReading also fails
// with kInvalidArgument: the answer is wrapped, or the keys of `location` hold nothing usable.
[[nodiscard]] Result<VaultTokenGrant> ReadLogin(const VaultAnswer& answer);
[[nodiscard]] Result<VaultTokenGrant> ReadLookup(const VaultAnswer& answer);
[[nodiscard]] Result<VaultLeaseGrant> ReadRenewal(const VaultAnswer& answer);
[[nodiscard]] Result<Secret> ReadUnwrappedSecretId(const VaultAnswer& answer);
// The path whose answer a wrapping token wraps.
[[nodiscard]] Result<std::string> ReadWrappingOrigin(const VaultAnswer& answer);
[[nodiscard]] Result<VaultReading> ReadReading(const resource::VaultLocation& location,
                                               const VaultAnswer& answer);
[[nodiscard]] Result<VaultKvState> ReadKvState(const resource::VaultLocation& location,
                                               const VaultAnswer& answer);

// What a status other than success means for `call`: kNotFound (also deleted and destroyed
// versions), kPermissionDenied, kInvalidArgument, or kUnavailable (Vault itself failed at it).
// `policies` are those of the token that asked.
[[nodiscard]] Error ReadRefusal(const VaultCall& call,
                                const VaultAnswer& answer,
                                const std::vector<std::string>& policies);

// Which keys of `location` the data lacks, as the end of a sentence; empty when none.
[[nodiscard]] std::string MissingKeys(const resource::VaultLocation& location,
                                      const std::map<std::string, Secret>& data);

}  // namespace connector::broker::secrets
