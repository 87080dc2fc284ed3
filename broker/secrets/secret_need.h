#pragma once

// SecretNeed: a Secret that effective connectors refer to, and what it must hold for them.

#include "broker/secrets/secret_store.h"

#include <set>
#include <string>

namespace connector::broker::secrets {

struct SecretNeed {
  SecretRef ref;
  std::set<std::string> registries{};  // host[:port] of those whose credential it must hold.
  bool ca = false;                     // It must hold a CA bundle.

  bool operator==(const SecretNeed&) const = default;
};

}  // namespace connector::broker::secrets
