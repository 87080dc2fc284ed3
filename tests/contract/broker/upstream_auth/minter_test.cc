// The minter of every kind of authentication, each held to minter_contract.h: one row of Minters.

#include "broker/upstream_auth/minters.h"
#include "tests/contract/broker/upstream_auth/minter_contract.h"

#include <memory>

namespace connector::broker::upstream_auth {
namespace {

template <resource::AuthKind kind>
class Harness final {
 public:
  Minter& minter() { return *minter_; }
  resource::Connector Connector() {
    resource::Connector connector = world_.Connector(kind);
    connector.auth.allow_static = resource::ClassOf(kind) == resource::SecretClass::kStatic;
    return connector;
  }
  testing_support::FakeClock& clock() { return clock_; }
  testing_support::RegistryWorld& world() { return world_; }

 private:
  curl::CurlClient client_;
  testing_support::FakeClock clock_;
  testing_support::RegistryWorld world_;
  std::unique_ptr<Minter> minter_ = MakeMinter(kind, client_, clock_);
};

using Minters = ::testing::Types<Harness<resource::AuthKind::kTokenAuth>,
                                 Harness<resource::AuthKind::kAnonymous>,
                                 Harness<resource::AuthKind::kBasicAuth>>;
static_assert(std::tuple_size_v<decltype(resource::kAuthKinds)> == 3,
              "a kind without its row here is not held to the contract");
INSTANTIATE_TYPED_TEST_SUITE_P(All, MinterContract, Minters);

}  // namespace
}  // namespace connector::broker::upstream_auth
