#pragma once

// How the broker reaches HashiCorp Vault, logs in there, and who may refer to what in it. Parsed
// from the broker's configuration by broker/app; nothing here is a secret.

#include "common/http/origin.h"

#include <chrono>
#include <string>
#include <variant>
#include <vector>

namespace connector::broker::secrets {

// Files are read anew at each login, so that rotated ones count.
struct KubernetesLogin {
  std::string role;
  std::string token_file;  // A projected ServiceAccount token.
  std::string mount = "kubernetes";
};
struct AppRoleLogin {
  std::string role_id;
  std::string secret_id_file;
  bool secret_id_wrapped = false;  // The file holds a wrapping token: unwrapped once.
  std::string mount = "approle";
};
struct CertLogin {
  std::string certificate_file;
  std::string key_file;
  std::string role;  // Empty: Vault picks the one that fits the certificate.
  std::string mount = "cert";
};
struct TokenFileLogin {
  std::string file;  // As Vault Agent writes it. The token is not ours: never revoked.
};
using VaultLoginMethod = std::variant<KubernetesLogin, AppRoleLogin, CertLogin, TokenFileLogin>;

// Connectors of `namespaces` may refer to `paths` in `vault_namespaces`.
struct VaultPathRule {
  std::vector<std::string> namespaces;  // Names, or "*" for any.
  std::vector<std::string> paths;       // "*" is one segment, "**" any number of them (at least
                                        // one), "{namespace}" the Connector's namespace.
  std::vector<std::string> vault_namespaces{};  // Empty: the broker's own alone. "*" for any.
};

struct VaultOptions {
  std::vector<http::Origin> addresses;  // Tried in order. One cluster.
  std::string ca_file;                  // Empty: the system's trust. Else that file's alone.
  std::string server_name;              // For SNI and verification; empty: the address's host.
  std::string vault_namespace;          // X-Vault-Namespace of logins and reads; empty: none.
  std::string proxy;  // "http://host:port"; empty: none, whatever the environment.
  std::string client_certificate_file;  // For mTLS where the listener asks for it.
  std::string client_key_file;
  VaultLoginMethod login;
  std::vector<VaultPathRule> paths;  // None: nobody may refer to anything.
  std::chrono::milliseconds poll_interval{10000};
  std::chrono::milliseconds timeout{5000};  // Of one request.
};

}  // namespace connector::broker::secrets
