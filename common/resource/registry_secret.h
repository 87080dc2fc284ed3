#pragma once

// A stored secret that holds the credential of a registry, and how to read one. Pure.
//
// Types: kubernetes.io/basic-auth, Opaque and cpaas.io/distribution-registry-token (keys username
// and password), kubernetes.io/dockerconfigjson (the entry of the registry's host).

#include "common/base/result.h"
#include "common/base/secret.h"
#include "common/resource/ca_bundle.h"

#include <compare>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace connector::resource {

inline constexpr const char* kCaKey = "ca.crt";

struct SecretName {
  std::string ns;
  std::string name;

  bool operator==(const SecretName&) const = default;
  auto operator<=>(const SecretName&) const = default;

  [[nodiscard]] std::string ToString() const { return ns + "/" + name; }
};

struct SecretResource {
  SecretName name;
  std::string type;                    // "Opaque" when the file gives none.
  std::map<std::string, Secret> data;  // Decoded bytes by key.
  // What kCaKey holds; absent without the key. Read with the Secret, once: it takes milliseconds,
  // and thousands of connectors may name it.
  std::optional<Result<CaBundle>> ca = {};
};

struct RegistrySecret {
  std::string username;   // Empty with an identity token.
  Secret password;        // Empty with an identity token.
  Secret identity_token;  // Usually empty.
};

// `registry_host` is host[:port] of the registry; any name of Docker Hub finds any other.
//
// Fails with kInvalidArgument: another type, a missing or empty key, a user name with ":", a line
// break in a value, JSON that is not docker's, no entry for the host. The message names the key and
// what to write, and never holds content.
[[nodiscard]] Result<RegistrySecret> ReadRegistrySecret(const std::string& type,
                                                        const std::map<std::string, Secret>& data,
                                                        std::string_view registry_host);

}  // namespace connector::resource
