#include "broker/secrets/file/file_store.h"

#include "tests/contract/broker/secrets/secret_store_contract.h"

namespace connector::broker::secrets {
namespace {

class FileHarness : public KubernetesSecrets {
 public:
  SecretStore& store() { return store_; }

  void Put(const SecretRef& ref, const std::string& type, const Fields& fields) {
    auto secret = std::make_shared<resource::SecretResource>();
    secret->name = {ref.ns, ref.name};
    secret->type = type;
    for (const auto& [key, value] : fields) {
      secret->data.emplace(key, Secret(value));
    }
    secrets_[ref] = std::move(secret);
    store_.Update(secrets_);
  }
  void Remove(const SecretRef& ref) {
    secrets_.erase(ref);
    store_.Update(secrets_);
  }

 private:
  FileSecretStore store_{"0123456789abcdef0123456789abcdef"};
  FileSecretStore::Secrets secrets_;
};

}  // namespace

INSTANTIATE_TYPED_TEST_SUITE_P(File, SecretStoreContract, FileHarness);

}  // namespace connector::broker::secrets
