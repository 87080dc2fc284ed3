#include "tests/support/cpp/fake_secret_store.h"

#include "tests/contract/broker/secrets/secret_store_contract.h"

namespace connector::broker::secrets {
namespace {

class FakeHarness : public KubernetesSecrets {
 public:
  SecretStore& store() { return store_; }
  void Put(const SecretRef& ref, const std::string& type, Fields fields) {
    store_.Put(ref, type, std::move(fields));
  }
  void Remove(const SecretRef& ref) { store_.Remove(ref); }

 private:
  testing_support::FakeSecretStore store_;
};

}  // namespace

INSTANTIATE_TYPED_TEST_SUITE_P(Fake, SecretStoreContract, FakeHarness);

}  // namespace connector::broker::secrets
