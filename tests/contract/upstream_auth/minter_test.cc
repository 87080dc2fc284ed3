// The minters of this repository, each held to minter_contract.h.

#include "broker/upstream_auth/anonymous/anonymous_minter.h"
#include "broker/upstream_auth/basic/basic_minter.h"
#include "broker/upstream_auth/registry_token/distribution_minter.h"
#include "tests/contract/upstream_auth/minter_contract.h"

#include <memory>

namespace connector::broker::upstream_auth {
namespace {

class Harness {
 public:
  virtual ~Harness() = default;
  virtual Minter& minter() = 0;
  virtual resource::Connector Connector() = 0;

  testing_support::FakeClock& clock() { return clock_; }
  testing_support::RegistryWorld& world() { return world_; }

 protected:
  curl::CurlClient client_;

 private:
  testing_support::FakeClock clock_;
  testing_support::RegistryWorld world_;
};

class DistributionHarness final : public Harness {
 public:
  Minter& minter() override { return *minter_; }
  resource::Connector Connector() override {
    return world().Connector(resource::AuthKind::kTokenAuth);
  }

 private:
  std::unique_ptr<Minter> minter_ = MakeDistributionMinter(client_, clock());
};

class AnonymousHarness final : public Harness {
 public:
  Minter& minter() override { return *minter_; }
  resource::Connector Connector() override {
    return world().Connector(resource::AuthKind::kAnonymous);
  }

 private:
  std::unique_ptr<Minter> minter_ = MakeAnonymousMinter(client_, clock());
};

class BasicHarness final : public Harness {
 public:
  Minter& minter() override { return *minter_; }
  resource::Connector Connector() override {
    resource::Connector connector = world().Connector(resource::AuthKind::kBasicAuth);
    connector.auth.allow_static = true;
    return connector;
  }

 private:
  std::unique_ptr<Minter> minter_ = MakeBasicMinter(clock());
};

using Minters = ::testing::Types<DistributionHarness, AnonymousHarness, BasicHarness>;
INSTANTIATE_TYPED_TEST_SUITE_P(All, MinterContract, Minters);

}  // namespace
}  // namespace connector::broker::upstream_auth
