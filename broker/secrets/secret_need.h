#pragma once

// SecretNeed: a Secret that effective connectors refer to, and what it must hold for them.

#include "broker/secrets/secret_store.h"

#include <map>
#include <set>
#include <string>

namespace connector::broker::secrets {

// Why a secret holds no credential for some that want one of it.
using CredentialLacks = std::map<resource::CredentialWanted, std::string>;

struct SecretNeed {
  SecretRef ref;
  std::set<resource::CredentialWanted> credentials{};  // It must hold one for each.
  bool ca = false;                                     // It must hold a CA bundle.

  bool operator==(const SecretNeed&) const = default;
};

}  // namespace connector::broker::secrets
