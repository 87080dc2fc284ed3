#include "broker/secrets/secret_store.h"

#include "broker/secrets/vault/vault_answers.h"
#include "common/resource/registry_secret.h"

#include <utility>

namespace connector::broker::secrets {

std::string SecretRef::ToString() const {
  return vault ? vault->path + " in Vault" : "the Secret " + ns + "/" + name;
}

std::optional<SecretRef> RefOf(const resource::Connector& connector) {
  if (connector.auth.vault) {
    return SecretRef{connector.ref.ns, {}, connector.auth.vault};
  }
  if (connector.auth.secret_name) {
    return SecretRef{connector.ref.ns, *connector.auth.secret_name};
  }
  return std::nullopt;
}

Result<RegistryCredential> ReadRegistryCredential(const SecretRef& ref,
                                                  const StoredSecret& secret,
                                                  const resource::CredentialWanted& wanted,
                                                  std::string_view repository) {
  if (ref.vault) {
    // Uses the Connector's names for the keys, which the reader below does not know.
    const std::string missing = MissingKeys(*ref.vault, secret.data);
    if (!missing.empty()) {
      return MakeError(
          ErrorCode::kInvalidArgument, ErrorOrigin::kBroker, ref.ToString() + " " + missing);
    }
  }
  Result<resource::RegistrySecret> read =
      resource::ReadRegistrySecret(secret.type, secret.data, wanted, repository);
  if (!read) {
    return MakeError(ErrorCode::kInvalidArgument,
                     ErrorOrigin::kBroker,
                     ref.ToString() + " " + read.error().message);
  }
  return RegistryCredential{
      std::move(read->username), std::move(read->password), std::move(read->identity_token)};
}

}  // namespace connector::broker::secrets
