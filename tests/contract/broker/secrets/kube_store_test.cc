// The contract of every store, for Secrets of a real Kubernetes API server. The broker's account
// may get and watch two Secrets by name, and list nothing.

#include "tests/contract/broker/secrets/secret_store_contract.h"
#include "tests/support/cpp/kube_store_world.h"

#include <cctype>

namespace connector::broker::secrets {
namespace {

using testing_support::KubeServer;
using testing_support::KubeStoreWorld;
using testing_support::PutSecret;
using testing_support::RemoveSecret;
using testing_support::SecretRules;

class KubeHarness {
 public:
  SecretStore& store() { return world_.store(); }
  void Put(const SecretRef& ref, const std::string& type, const Fields& fields) {
    MakeNamespace(ref.ns);
    PutSecret(ref, type, fields);
  }
  void Remove(const SecretRef& ref) { RemoveSecret(ref); }

  // Namespaces of one test: no other test's.
  static SecretRef Ref(const std::string& ns, const std::string& name) {
    std::string test = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::transform(
        test.begin(), test.end(), test.begin(), [](unsigned char c) { return std::tolower(c); });
    return {ns + "-" + test.substr(0, 50), name};
  }
  static std::vector<std::string> Types() {
    return {"Opaque", "cpaas.io/distribution-registry-token"};
  }
  static std::string Odd() { return "p\n\xff"; }

 private:
  static void MakeNamespace(const std::string& name) {
    KubeServer::Shared().Apply(
        {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", name}}}});
  }
  static const std::string& Token() {
    static const std::string token = [] {
      KubeServer& server = KubeServer::Shared();
      const std::string ns = server.NewNamespace("contract");
      server.NewServiceAccount(ns, "broker");
      server.Grant(ns, "broker", "contract-secrets", SecretRules({"registry", "other"}), true);
      return server.Token(ns, "broker", {});
    }();
    return token;
  }

  KubeStoreWorld world_{Token()};
};

}  // namespace

INSTANTIATE_TYPED_TEST_SUITE_P(Kube, SecretStoreContract, KubeHarness);

}  // namespace connector::broker::secrets
