#pragma once

// A registry and a token service that a test scripts, and a minter that a test file chooses.

#include "broker/upstream_auth/minter.h"
#include "broker/upstream_auth/upstream_client.h"
#include "tests/support/cpp/fake_clock.h"
#include "tests/support/cpp/registry_world.h"
#include "tests/support/cpp/run_task.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace connector::broker::upstream_auth {

class MinterFixture : public ::testing::Test {
 protected:
  Result<UpstreamToken> Mint(MintRequest request) {
    return testing_support::RunTask(minter_->Mint(
        std::move(request), std::chrono::steady_clock::now() + std::chrono::seconds(20)));
  }
  Result<UpstreamToken> Mint(const resource::Connector& connector,
                             std::vector<oci::Scope> scopes = {{"a", {oci::Action::kPull}}}) {
    return Mint(world_.Request(connector, std::move(scopes)));
  }
  Result<UpstreamToken> Mint() { return Mint(world_.Connector(resource::AuthKind::kTokenAuth)); }

  MintRequest WithIdentityToken() {
    MintRequest request = world_.Request(world_.Connector(resource::AuthKind::kTokenAuth),
                                         {{"a", {oci::Action::kPull}}});
    auto credential = std::make_shared<secrets::RegistryCredential>();
    credential->identity_token = Secret("refresh-me");
    request.credential = credential;
    return request;
  }

  testing_support::RegistryWorld world_;
  testing_support::FakeClock clock_;
  UpstreamClient client_;
  std::unique_ptr<Minter> minter_;
};

}  // namespace connector::broker::upstream_auth
