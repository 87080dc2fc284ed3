#pragma once

// The kinds of authentication at a registry (spec.auth.name): one table, which validation, the
// CRDs, the status, README's table and the broker's choice of minter follow.
// deploy/crds/auth_kinds.py reads this file. A name of AuthName (resource.proto) that has no row
// here is reserved for a later release.
//
// To add a kind NAME: its name and its row here, a folder of broker/upstream_auth that defines
// MakeNAMEMinter (minters.h), a row in tests/contract/broker/upstream_auth.

#include "common/oci/reference.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace connector::resource {

// In the order of kAuthKinds.
#define CONNECTOR_AUTH_KINDS(KIND) KIND(TokenAuth) KIND(BasicAuth) KIND(Anonymous)

enum class AuthKind : std::uint8_t {
#define CONNECTOR_ENUMERATOR(name) k##name,
  CONNECTOR_AUTH_KINDS(CONNECTOR_ENUMERATOR)
#undef CONNECTOR_ENUMERATOR
};

// How much a stolen data plane would hold (docs/rules.md "Secret classes").
enum class SecretClass : std::uint8_t {
  kNone,
  kDerived,  // Tokens for single repositories and actions.
  kBounded,  // A credential for all that the account may do, which expires.
  kStatic,   // The stored password itself; only with auth.allowStatic: true.
};

// One name that spec.auth.params may give.
struct AuthParameter {
  std::string_view name;
  bool (*accepts)(std::string_view value);
  std::string_view otherwise;  // What is said of a value that is not accepted.
};

struct AuthKindRow {
  AuthKind kind;
  std::string_view name;
  SecretClass secret_class;
  bool reads_secret;  // True: secretRef or vaultRef must be given; false: neither may be.
  std::span<const AuthParameter> parameters = {};  // Beside kCommonParameters.
};

// Parameters of every kind.
inline constexpr std::array kCommonParameters = {
    AuthParameter{
        "repository",
        &oci::IsRepository,
        "is not a repository name; write it without host and tag, such as library/ubuntu"},
};

// What reaches the data plane stands above each row.
inline constexpr std::array kAuthKinds = {
    // a token for the repository and action, for its minutes: the distribution token protocol, GET
    // and OAuth2 POST, registries' identity tokens
    AuthKindRow{.kind = AuthKind::kTokenAuth,
                .name = "tokenAuth",
                .secret_class = SecretClass::kDerived,
                .reads_secret = true},
    // the password itself; refused unless `auth.allowStatic: true`
    AuthKindRow{.kind = AuthKind::kBasicAuth,
                .name = "basicAuth",
                .secret_class = SecretClass::kStatic,
                .reads_secret = true},
    // nothing, or an anonymous token
    AuthKindRow{.kind = AuthKind::kAnonymous,
                .name = "anonymous",
                .secret_class = SecretClass::kNone,
                .reads_secret = false},
};

[[nodiscard]] constexpr const AuthKindRow& RowOf(AuthKind kind) {
  return kAuthKinds[static_cast<std::size_t>(kind)];
}

// Null of a name that has no row.
[[nodiscard]] const AuthKindRow* FindAuthKind(std::string_view name);
// Null of a name that the kind does not know.
[[nodiscard]] const AuthParameter* FindParameter(AuthKind kind, std::string_view name);

[[nodiscard]] std::string_view ToString(AuthKind kind);       // "tokenAuth" ...
[[nodiscard]] std::string_view ToString(SecretClass secret);  // "derived" ...; kNone is "none".
[[nodiscard]] SecretClass ClassOf(AuthKind kind);

}  // namespace connector::resource
