#include "broker/store/secret_store.h"

#include "common/resource/registry_secret.h"

#include <utility>

namespace connector::broker::store {

Result<RegistryCredential> ReadRegistryCredential(const SecretRef& ref,
                                                  const StoredSecret& secret,
                                                  const std::string& registry_host) {
  Result<resource::RegistrySecret> read =
      resource::ReadRegistrySecret(secret.type, secret.data, registry_host);
  if (!read) {
    return MakeError(ErrorCode::kInvalidArgument,
                     ErrorOrigin::kBroker,
                     "the Secret " + ref.ns + "/" + ref.name + " " + read.error().message);
  }
  return RegistryCredential{
      std::move(read->username), std::move(read->password), std::move(read->identity_token)};
}

}  // namespace connector::broker::store
