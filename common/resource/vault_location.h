#pragma once

// Where in HashiCorp Vault a Connector's credential is (spec.auth.vaultRef), and the grammar of a
// path. Pure; knows nothing of what the broker allows to whom.

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace connector::resource {

struct VaultLocation {
  std::string vault_namespace;            // Empty: the one that the broker is configured with.
  std::string path;                       // Of the API, without "v1/": "secret/data/ci/harbor".
  std::string username_key = "username";  // Which field of the answer is what.
  std::string password_key = "password";
  std::string docker_config_key{};  // Not empty: a whole docker config.json; the two are not read.
  std::uint32_t version = 0;        // Of KV v2; 0 is the newest.

  bool operator==(const VaultLocation&) const = default;
  auto operator<=>(const VaultLocation&) const = default;
};

inline constexpr std::size_t kMaxVaultPath = 512;

// What is wrong with a path, as the end of a sentence that starts with the field's name; empty when
// nothing is. Segments of [A-Za-z0-9._~@+=:-], none of them "." or "..", at least two, no "/" at an
// end, not starting with "v1/": so that two spellings never name one secret, and no path leaves the
// prefix that a rule allows.
[[nodiscard]] std::string VaultPathProblem(std::string_view path);

// The same of a Vault namespace ("admin/team-a"): one segment or more; empty is fine.
[[nodiscard]] std::string VaultNamespaceProblem(std::string_view name);

}  // namespace connector::resource
