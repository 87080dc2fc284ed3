// The contract of every store, for HashiCorp Vault: KV v1, KV v2, and KV v2 where the policy does
// not let the broker read metadata.

#include "tests/contract/broker/secrets/secret_store_contract.h"
#include "tests/support/cpp/vault_store_world.h"

#include <boost/json.hpp>

namespace connector::broker::secrets {
namespace {

using testing_support::Json;
using testing_support::RefTo;
using testing_support::ScratchDir;
using testing_support::VaultServer;
using testing_support::VaultStoreWorld;

// Places of one test: no other test's.
std::string PlaceOf(const std::string& prefix, const std::string& ns, const std::string& name) {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  return prefix + test->name() + "/" + ns + "/" + name;
}

std::string AsJson(const Fields& fields) {
  boost::json::object out;
  for (const auto& [key, value] : fields) {
    out.emplace(key, value);
  }
  return boost::json::serialize(out);
}

constexpr const char* kPolicy = R"(
path "contract/data/*" { capabilities = ["read"] }
path "contract/metadata/*" { capabilities = ["read"] }
path "contract-v1/*" { capabilities = ["read"] })";
constexpr const char* kNarrowPolicy = R"(path "contract/data/*" { capabilities = ["read"] })";

class VaultHarness {
 public:
  explicit VaultHarness(const char* policy) : policy_(policy) {}

  SecretStore& store() { return world_.store(); }
  static std::vector<std::string> Types() { return {"Opaque"}; }
  static std::string Odd() { return "p\n\u0001\u00ff\""; }  // JSON carries text, not bytes.

 protected:
  std::string Token() {
    VaultServer& vault = VaultServer::Shared();
    vault.Mount("contract", R"({"type":"kv","options":{"version":"2"}})");
    vault.Mount("contract-v1", R"({"type":"kv","options":{"version":"1"}})");
    vault.Policy("contract-wide", kPolicy);
    vault.Policy("contract-narrow", kNarrowPolicy);
    return vault.NewToken(Json({{"policies", {policy_}}}));
  }

 private:
  const char* policy_;
  ScratchDir dir_;
  VaultStoreWorld world_{VaultStoreWorld::OptionsFor(dir_, Token())};
};

class Kv2Harness : public VaultHarness {
 public:
  explicit Kv2Harness(const char* policy = "contract-wide") : VaultHarness(policy) {}

  static SecretRef Ref(const std::string& ns, const std::string& name) {
    return RefTo(PlaceOf("contract/data/", ns, name), ns);
  }
  void Put(const SecretRef& ref, const std::string& /*type*/, const Fields& fields) {
    VaultServer::Shared().Must("POST", ref.vault->path, R"({"data":)" + AsJson(fields) + "}");
  }
  void Remove(const SecretRef& ref) { VaultServer::Shared().Must("DELETE", ref.vault->path); }
};

class Kv2WithoutMetadataHarness : public Kv2Harness {
 public:
  Kv2WithoutMetadataHarness() : Kv2Harness("contract-narrow") {}
};

class Kv1Harness : public VaultHarness {
 public:
  Kv1Harness() : VaultHarness("contract-wide") {}

  static SecretRef Ref(const std::string& ns, const std::string& name) {
    return RefTo(PlaceOf("contract-v1/", ns, name), ns);
  }
  void Put(const SecretRef& ref, const std::string& /*type*/, const Fields& fields) {
    VaultServer::Shared().Must("POST", ref.vault->path, AsJson(fields));
  }
  void Remove(const SecretRef& ref) { VaultServer::Shared().Must("DELETE", ref.vault->path); }
};

}  // namespace

INSTANTIATE_TYPED_TEST_SUITE_P(Kv2, SecretStoreContract, Kv2Harness);
INSTANTIATE_TYPED_TEST_SUITE_P(Kv2WithoutMetadata, SecretStoreContract, Kv2WithoutMetadataHarness);
INSTANTIATE_TYPED_TEST_SUITE_P(Kv1, SecretStoreContract, Kv1Harness);

}  // namespace connector::broker::secrets
