#include "broker/secrets/vault/vault_store.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/vault_proxy.h"
#include "tests/support/cpp/vault_store_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace connector::broker::secrets {
namespace {

using ::testing::HasSubstr;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::Json;
using testing_support::PasswordOf;
using testing_support::RefTo;
using testing_support::ReplaceFile;
using testing_support::ScratchDir;
using testing_support::VaultProxy;
using testing_support::VaultServer;
using testing_support::VaultStoreWorld;

constexpr const char* kSessionPath = "sessions/data/ci/harbor";

class VaultSession : public ::testing::Test {
 protected:
  VaultSession() {
    vault_.Mount("sessions", R"({"type":"kv","options":{"version":"2"}})");
    vault_.Must("POST", kSessionPath, R"({"data":{"username":"u","password":"p"}})");
    vault_.Policy("sessions-reader", R"(path "sessions/+/*" { capabilities = ["read"] })");
    vault_.MountAuth("approle", "approle");
    options_ = VaultStoreWorld::OptionsFor(dir_, "unused");
  }
  // Logs in by an approle whose tokens live as `lives` says.
  void LogInFor(const std::string& lives) {
    const std::string role = std::string("auth/approle/role/") +
                             ::testing::UnitTest::GetInstance()->current_test_info()->name();
    vault_.Must("POST", role, R"({"token_policies":"sessions-reader",)" + lives + "}");
    ReplaceFile(
        dir_ / "secret_id",
        vault_.Must("POST", role + "/secret-id").at("data").at("secret_id").as_string().c_str());
    options_.login = AppRoleLogin{
        vault_.Must("GET", role + "/role-id").at("data").at("role_id").as_string().c_str(),
        dir_ / "secret_id"};
  }
  VaultStoreWorld& World() {
    if (!world_) {
      world_.emplace(options_);
    }
    return *world_;
  }
  VaultStatus Status() { return World().store().Status(); }

  VaultServer& vault_ = VaultServer::Shared();
  ScratchDir dir_;
  VaultOptions options_;
  const SecretRef ref_ = RefTo(kSessionPath);
  std::optional<VaultStoreWorld> world_;
};

TEST_F(VaultSession, IsRenewedSoThatOneLoginLastsBeyondItsLife) {
  LogInFor(R"("token_ttl":"3s","token_max_ttl":"1h")");
  World().Follow({ref_});

  ASSERT_TRUE(VaultStoreWorld::Eventually([&] { return Status().renewals >= 2; }));

  EXPECT_EQ(Status().logins, 1u);
  EXPECT_EQ(PasswordOf(World().Fetch(ref_)), "p");
}

TEST_F(VaultSession, IsReplacedBeforeItsMaximalLifeAndNobodyNotices) {
  LogInFor(R"("token_ttl":"2s","token_max_ttl":"3s")");
  World().Follow({ref_});

  ASSERT_TRUE(VaultStoreWorld::Eventually([&] {
    EXPECT_EQ(PasswordOf(World().Fetch(ref_)), "p");
    return Status().logins >= 3;
  }));
  EXPECT_THAT(World().Log(), ::testing::Not(HasSubstr("no longer accepts")));
}

TEST_F(VaultSession, ThatCannotBeRenewedIsReplaced) {
  LogInFor(R"("token_ttl":"2s","token_type":"batch")");
  World().Follow({ref_});

  ASSERT_TRUE(VaultStoreWorld::Eventually([&] {
    EXPECT_EQ(PasswordOf(World().Fetch(ref_)), "p");
    return Status().logins >= 2;
  }));
  EXPECT_EQ(Status().renewals, 0u);
}

TEST_F(VaultSession, ThatWasRevokedIsReplacedWithinTheCallThatFoundOut) {
  LogInFor(R"("token_ttl":"5m")");
  ASSERT_EQ(PasswordOf(World().Fetch(ref_)), "p");
  const std::string accessor = Status().login->accessor;

  vault_.Must("POST", "auth/token/revoke-accessor", Json({{"accessor", accessor}}));

  EXPECT_EQ(PasswordOf(World().Fetch(ref_)), "p");
  EXPECT_EQ(Status().logins, 2u);
  EXPECT_NE(Status().login->accessor, accessor);
}

TEST_F(VaultSession, OutlivesAVaultThatIsDownWhenItShouldBeRenewed) {
  VaultProxy proxy(vault_.address().port);
  options_.addresses = {*http::ParseOrigin(proxy.address())};
  LogInFor(R"("token_ttl":"3s","token_max_ttl":"1h")");
  World().Follow({ref_});
  ASSERT_TRUE(VaultStoreWorld::Eventually([&] { return Status().renewals >= 1; }));

  HttpAnswer down;
  down.status = 503;
  proxy.BreakAll(down);
  // Past the end of the token's life.
  ASSERT_TRUE(VaultStoreWorld::Eventually([&] { return !Status().login.has_value(); }));
  EXPECT_FALSE(Status().reachable);
  proxy.Heal();

  EXPECT_TRUE(VaultStoreWorld::Eventually([&] { return Status().login.has_value(); },
                                          std::chrono::seconds(10)));
  EXPECT_EQ(PasswordOf(World().Fetch(ref_)), "p");
}

TEST_F(VaultSession, LogsInOnceForManyWhoNeedIt) {
  VaultProxy proxy(vault_.address().port);
  options_.addresses = {*http::ParseOrigin(proxy.address())};
  LogInFor(R"("token_ttl":"5m")");
  std::vector<SecretRef> refs;
  for (int i = 0; i < 20; ++i) {
    refs.push_back(RefTo("sessions/data/many/" + std::to_string(i)));
  }
  World().Follow(refs);

  ASSERT_TRUE(VaultStoreWorld::Eventually([&] {
    return World().store().Observed(refs.back()).problem.find("nothing at") != std::string::npos;
  }));
  EXPECT_EQ(proxy.Count("auth/approle/login"), 1u);
}

}  // namespace
}  // namespace connector::broker::secrets
