#pragma once

// Decides which namespace's Connectors may refer to which paths in Vault. Deny by default. Pure.
//
// The broker reads Vault with its own rights, for many tenants. Without this check, anyone who can
// write a Connector could send any secret that the broker can read to a registry of their own.

#include "broker/secrets/vault/vault_options.h"
#include "common/base/result.h"
#include "common/resource/vault_location.h"

#include <string>
#include <string_view>
#include <vector>

namespace connector::broker::secrets {

// What is wrong with a pattern of `paths`, as the end of a sentence; empty when nothing is.
[[nodiscard]] std::string PathPatternProblem(std::string_view pattern);

class VaultPathPolicy {
 public:
  explicit VaultPathPolicy(const VaultOptions& options)
      : rules_(options.paths), own_namespace_(options.vault_namespace) {}

  // Fails with kPermissionDenied (no rule allows it) or kInvalidArgument (a path outside the
  // grammar), saying what to change. `ns` is the Connector's namespace.
  [[nodiscard]] Result<Done> Check(const std::string& ns,
                                   const resource::VaultLocation& location) const;

 private:
  std::vector<VaultPathRule> rules_;
  std::string own_namespace_;
};

}  // namespace connector::broker::secrets
