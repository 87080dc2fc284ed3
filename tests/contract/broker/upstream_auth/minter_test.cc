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
  UpstreamClient client_;
  testing_support::FakeClock clock_;
  testing_support::RegistryWorld world_;
  std::unique_ptr<Minter> minter_ = MakeMinter(kind, {client_, clock_});
};

template <resource::AuthKind... kinds>
struct Held {
  static_assert(sizeof...(kinds) == resource::kAuthKinds.size(),
                "a kind that is not listed here is not held to the contract");
  using Types = ::testing::Types<Harness<kinds>...>;
};

using Minters = Held<resource::AuthKind::kTokenAuth,
                     resource::AuthKind::kAnonymous,
                     resource::AuthKind::kBasicAuth>::Types;
INSTANTIATE_TYPED_TEST_SUITE_P(All, MinterContract, Minters);

}  // namespace
}  // namespace connector::broker::upstream_auth
