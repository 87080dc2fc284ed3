#include "broker/upstream_auth/minters.h"

#include "broker/upstream_auth/anonymous/anonymous_minter.h"
#include "broker/upstream_auth/basic/basic_minter.h"
#include "broker/upstream_auth/registry_token/distribution_minter.h"

namespace connector::broker::upstream_auth {

std::unique_ptr<Minter> MakeMinter(resource::AuthKind kind,
                                   curl::CurlClient& client,
                                   const Clock& clock) {
  switch (kind) {
    case resource::AuthKind::kTokenAuth:
      return MakeDistributionMinter(client, clock);
    case resource::AuthKind::kBasicAuth:
      return MakeBasicMinter(clock);
    case resource::AuthKind::kAnonymous:
      return MakeAnonymousMinter(client, clock);
  }
  return nullptr;
}

std::map<resource::AuthKind, std::shared_ptr<Minter>> MakeMinters(curl::CurlClient& client,
                                                                  const Clock& clock) {
  std::map<resource::AuthKind, std::shared_ptr<Minter>> out;
  for (const resource::AuthKindRow& row : resource::kAuthKinds) {
    out.emplace(row.kind, MakeMinter(row.kind, client, clock));
  }
  return out;
}

}  // namespace connector::broker::upstream_auth
