#pragma once

// Connector: one registry, how to authenticate there, and who may use it (docs/architecture.md),
// after parsing and validation. Shared by the broker, the controller and connectorctl. What stands
// here has passed every check of validation.h; a value that breaks a rule cannot be built from
// YAML.

#include "common/base/connector_ref.h"
#include "common/http/origin.h"
#include "common/oci/reference.h"
#include "common/resource/auth_kinds.h"
#include "common/resource/registry_secret.h"
#include "common/resource/vault_location.h"
#include "common/routing/route_settings.h"
#include "common/routing/upstream_policy.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace connector::resource {

struct Auth {
  AuthKind kind = AuthKind::kAnonymous;
  std::optional<std::string> secret_name;  // Always in the Connector's own namespace.
  std::optional<VaultLocation> vault;      // Never together with secret_name.
  std::string username_key = "username";   // Of that Secret, where it holds a pair.
  std::string password_key = "password";
  bool allow_static = false;
  std::map<std::string, std::string> params;

  bool operator==(const Auth&) const = default;
};

struct Upstream {
  std::optional<http::Url> token_realm;  // Absent: any path on the origin of `address`.
  routing::Redirects redirects;
  routing::Limits limits;
  bool allow_insecure = false;

  bool operator==(const Upstream&) const = default;
};

// Who a rule speaks of.
struct ServiceAccountMatch {
  std::string ns;
  std::string name;
  std::string issuer = {};  // Of another cluster; empty: the broker's own cluster.
  bool operator==(const ServiceAccountMatch&) const = default;
};
struct NamespaceMatch {
  std::string ns;
  std::string issuer = {};  // The same.
  bool operator==(const NamespaceMatch&) const = default;
};
struct OidcMatch {
  std::string issuer;
  std::map<std::string, std::string> claims;  // Never empty: every one must be equal.
  bool operator==(const OidcMatch&) const = default;
};
using SubjectMatch = std::variant<ServiceAccountMatch, NamespaceMatch, OidcMatch>;

struct AccessRule {
  std::vector<SubjectMatch> from;         // Any of them.
  std::vector<std::string> repositories;  // "*" is one component, "**" any number; any of them.
  oci::ActionSet actions;

  bool operator==(const AccessRule&) const = default;
};

// Of the ConnectorClass, which all its Connectors share; null: it narrows nothing.
struct SharedClassPolicy {
  std::shared_ptr<const routing::ClassPolicy> value;

  bool operator==(const SharedClassPolicy& other) const {
    return value == other.value || (value && other.value && *value == *other.value);
  }
};

struct Connector {
  ConnectorRef ref;
  std::string class_name;
  http::Origin address;
  Auth auth;
  std::optional<std::string> ca_secret_name;  // Key ca.crt.
  Upstream upstream;
  std::vector<AccessRule> access;
  // A token must name this Connector in its audience: the Connector says so, or its class.
  bool require_connector_audience = false;
  SharedClassPolicy class_policy = {};

  bool operator==(const Connector&) const = default;

  // Docker Hub puts one-component names under "library/" (docs/rules.md "Addressing").
  [[nodiscard]] bool IsDockerHub() const;
  // The host[:port] values by which the mirror form (?ns=) may name this connector's registry.
  [[nodiscard]] std::vector<std::string> MirrorHosts() const;
};

// What its Secret must hold. Of Vault's, the keys have their usual names already.
[[nodiscard]] CredentialWanted WantedBy(const Connector& connector);

// The Connector in one canonical text: equal connectors give equal text, on every broker. What
// epochs are computed from; holds names of Secrets, never their content.
[[nodiscard]] std::string CanonicalText(const Connector& connector);
// The same of only what a minted token depends on: address, auth, CA name, token realm, and what
// the class lets the token service be.
[[nodiscard]] std::string CanonicalMintText(const Connector& connector);

}  // namespace connector::resource
