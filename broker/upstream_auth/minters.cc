#include "broker/upstream_auth/minters.h"

namespace connector::broker::upstream_auth {

std::unique_ptr<Minter> MakeMinter(resource::AuthKind kind, const MinterParts& parts) {
  switch (kind) {
#define CONNECTOR_MAKE_MINTER(name) \
  case resource::AuthKind::k##name: \
    return Make##name##Minter(parts);
    CONNECTOR_AUTH_KINDS(CONNECTOR_MAKE_MINTER)
#undef CONNECTOR_MAKE_MINTER
  }
  return nullptr;
}

std::map<resource::AuthKind, std::shared_ptr<Minter>> MakeMinters(const MinterParts& parts) {
  std::map<resource::AuthKind, std::shared_ptr<Minter>> out;
  for (const resource::AuthKindRow& row : resource::kAuthKinds) {
    out.emplace(row.kind, MakeMinter(row.kind, parts));
  }
  return out;
}

}  // namespace connector::broker::upstream_auth
