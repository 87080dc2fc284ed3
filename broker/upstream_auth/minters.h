#pragma once

// The minter of each kind of authentication (common/resource/auth_kinds.h).

#include "broker/upstream_auth/minter.h"
#include "broker/upstream_auth/upstream_client.h"
#include "common/resource/auth_kinds.h"

#include <map>
#include <memory>

namespace connector::broker::upstream_auth {

// What minters are made of; outlives them.
struct MinterParts {
  UpstreamClient& client;
  const Clock& clock;
};

// MakeTokenAuthMinter and so on: each is defined in its kind's folder.
#define CONNECTOR_DECLARE_MINTER(name) \
  [[nodiscard]] std::unique_ptr<Minter> Make##name##Minter(const MinterParts& parts);
CONNECTOR_AUTH_KINDS(CONNECTOR_DECLARE_MINTER)
#undef CONNECTOR_DECLARE_MINTER

[[nodiscard]] std::unique_ptr<Minter> MakeMinter(resource::AuthKind kind, const MinterParts& parts);

// One for every kind.
[[nodiscard]] std::map<resource::AuthKind, std::shared_ptr<Minter>> MakeMinters(
    const MinterParts& parts);

}  // namespace connector::broker::upstream_auth
