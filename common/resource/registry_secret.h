#pragma once

// A stored secret that holds the credential of a registry, and how to read one. Pure.
//
// Types: kubernetes.io/basic-auth, Opaque and cpaas.io/distribution-registry-token (a pair of keys,
// or docker's configuration under one of its usual keys), kubernetes.io/dockerconfigjson and
// kubernetes.io/dockercfg (the entry of the registry).

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

// What a Connector wants of a stored secret.
struct CredentialWanted {
  std::string registry;                   // host[:port]; any name of Docker Hub finds any other.
  std::string username_key = "username";  // Of a pair: which key is what.
  std::string password_key = "password";

  bool operator==(const CredentialWanted&) const = default;
  auto operator<=>(const CredentialWanted&) const = default;
};

// `repository` is the one that the credential is for: docker's configuration may have one for each
// (registry_key.h). Empty: any of the registry.
//
// Fails with kInvalidArgument: another type, a missing or empty key, a user name with ":", a line
// break at the end of a value, JSON that is not docker's, no entry for the repository. The message
// names the key and what to write, and never holds content; it goes on after the Secret's name.
[[nodiscard]] Result<RegistrySecret> ReadRegistrySecret(const std::string& type,
                                                        const std::map<std::string, Secret>& data,
                                                        const CredentialWanted& wanted,
                                                        std::string_view repository = {});

}  // namespace connector::resource
