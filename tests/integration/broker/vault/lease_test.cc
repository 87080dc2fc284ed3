// Leases of a real Vault's rabbitmq engine; the management API that it makes users at is scripted,
// so that a test sees which users there are.

#include "broker/secrets/vault/vault_store.h"
#include "tests/support/cpp/http_server.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/vault_proxy.h"
#include "tests/support/cpp/vault_store_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <set>

namespace connector::broker::secrets {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::HttpServer;
using testing_support::Json;
using testing_support::RefTo;
using testing_support::ReplaceFile;
using testing_support::ScratchDir;
using testing_support::VaultProxy;
using testing_support::VaultServer;
using testing_support::VaultStoreWorld;
using Steady = std::chrono::steady_clock;

class Users {
 public:
  [[nodiscard]] std::string address() const { return server_.address(); }
  [[nodiscard]] std::set<std::string> All() const {
    const std::lock_guard lock(mutex_);
    return users_;
  }
  [[nodiscard]] bool Has(const std::string& name) const { return All().contains(name); }

 private:
  HttpAnswer Serve(const HttpRequest& request) {
    constexpr std::string_view kUsers = "/api/users/";
    HttpAnswer answer;
    answer.status = request.method == "PUT" ? 201 : 204;
    if (request.target.starts_with(kUsers)) {
      const std::lock_guard lock(mutex_);
      const std::string name = request.target.substr(kUsers.size());
      if (request.method == "PUT") {
        users_.insert(name);
      } else if (request.method == "DELETE") {
        users_.erase(name);
      }
    }
    return answer;
  }

  mutable std::mutex mutex_;
  std::set<std::string> users_;
  HttpServer server_{[this](const HttpRequest& request) { return Serve(request); }};
};

class VaultLeases : public ::testing::Test {
 protected:
  VaultLeases() {
    vault_.Mount(Mount(), R"({"type":"rabbitmq"})");
    vault_.Must("POST",
                Mount() + "/config/connection",
                Json({{"connection_uri", users_.address()},
                      {"username", "admin"},
                      {"password", "admin"},
                      {"verify_connection", false}}));
    vault_.Must("POST", Mount() + "/roles/robot", R"({"vhosts":"{\"/\":{\"read\":\".*\"}}"})");
    vault_.Policy(Mount(),
                  "path \"" + Mount() +
                      R"(/creds/*" { capabilities = ["read"] }
                      path "sys/leases/revoke" { capabilities = ["update"] })");
    options_ = VaultStoreWorld::OptionsFor(
        dir_, vault_.NewToken(Json({{"policies", {Mount()}}, {"ttl", "1h"}})));
  }
  ~VaultLeases() override {
    world_.reset();
    vault_.Ask("PUT", "sys/leases/revoke-force/" + Mount());
  }

  static std::string Mount() {
    return std::string("rabbit-") + ::testing::UnitTest::GetInstance()->current_test_info()->name();
  }
  void LeasesLive(const std::string& ttl, const std::string& max_ttl) {
    vault_.Must("POST", Mount() + "/config/lease", Json({{"ttl", ttl}, {"max_ttl", max_ttl}}));
  }
  VaultStoreWorld& World() {
    if (!world_) {
      world_.emplace(options_);
    }
    return *world_;
  }
  std::string User() {
    const Result<StoredSecret> secret = World().Fetch(ref_);
    return secret ? std::string(secret->data.at("username").Reveal()) : secret.error().message;
  }
  VaultObservation Seen() { return World().store().Observed(ref_); }
  bool Acquired() {
    return VaultStoreWorld::Eventually([&] { return !Seen().lease_hash.empty(); });
  }

  VaultServer& vault_ = VaultServer::Shared();
  Users users_;
  ScratchDir dir_;
  VaultOptions options_;
  const SecretRef ref_ = RefTo(Mount() + "/creds/robot");
  std::optional<VaultStoreWorld> world_;
};

TEST_F(VaultLeases, AreHeldAndRenewedBeyondTheirFirstLife) {
  LeasesLive("3s", "1h");
  World().Follow({ref_});
  ASSERT_TRUE(Acquired());
  const std::string user = User();

  ASSERT_TRUE(
      VaultStoreWorld::Eventually([&] { return World().store().Status().lease_renewals >= 2; }));

  EXPECT_EQ(User(), user);
  EXPECT_EQ(users_.All(), std::set<std::string>{user});
  EXPECT_EQ(World().Count(VaultOperation::kRead), 1u);
}

TEST_F(VaultLeases, AreReplacedBeforeTheirMaximalLifeIsOver) {
  LeasesLive("2s", "3s");
  World().Follow({ref_});
  ASSERT_TRUE(Acquired());
  std::set<std::string> seen;
  int dead = 0;

  ASSERT_TRUE(VaultStoreWorld::Eventually([&] {
    const std::string user = User();
    seen.insert(user);
    dead += users_.Has(user) ? 0 : 1;
    return seen.size() >= 3;
  }));

  EXPECT_EQ(dead, 0) << "never a credential whose user is gone";
  EXPECT_EQ(Seen().problem, "");
}

TEST_F(VaultLeases, EndNoLaterThanTheCredentialSays) {
  LeasesLive("30s", "1h");

  const Result<StoredSecret> secret = World().Fetch(ref_);

  ASSERT_TRUE(secret.has_value()) << secret.error().message;
  ASSERT_TRUE(secret->not_after.has_value());
  EXPECT_LE(*secret->not_after, std::chrono::system_clock::now() + std::chrono::seconds(30));
  EXPECT_GT(*secret->not_after, std::chrono::system_clock::now() + std::chrono::seconds(20));
}

TEST_F(VaultLeases, EndWithTheLoginThatTheyWereMadeIn) {
  LeasesLive("1h", "2h");
  options_ = VaultStoreWorld::OptionsFor(
      dir_,
      vault_.NewToken(
          Json({{"policies", {Mount()}}, {"ttl", "20s"}, {"explicit_max_ttl", "20s"}})));

  const Result<StoredSecret> secret = World().Fetch(ref_);

  ASSERT_TRUE(secret.has_value()) << secret.error().message;
  ASSERT_TRUE(secret->not_after.has_value());
  EXPECT_LE(*secret->not_after, std::chrono::system_clock::now() + std::chrono::seconds(20));
}

TEST_F(VaultLeases, AreRevokedWhenTheirConnectorGoes) {
  LeasesLive("5m", "1h");
  World().Follow({ref_});
  ASSERT_TRUE(Acquired());
  const std::string user = User();
  ASSERT_TRUE(users_.Has(user));

  World().Follow({});

  EXPECT_TRUE(VaultStoreWorld::Eventually([&] { return !users_.Has(user); }));
  EXPECT_TRUE(
      VaultStoreWorld::Eventually([&] { return World().store().Status().leases_revoked == 1; }));
}

TEST_F(VaultLeases, AreRevokedWhenTheBrokerStops) {
  LeasesLive("5m", "1h");
  World().Follow({ref_});
  ASSERT_TRUE(Acquired());
  const std::string user = User();

  World().Stop();

  EXPECT_TRUE(VaultStoreWorld::Eventually([&] { return !users_.Has(user); }));
}

TEST_F(VaultLeases, AreRevokedWhenTheirReadEndsAfterTheConnectorHasGone) {
  LeasesLive("5m", "1h");
  VaultProxy proxy(vault_.address().port);
  options_.addresses = {*http::ParseOrigin(proxy.address())};
  std::atomic<bool> go{false};
  proxy.Break([&](const HttpRequest& request) -> std::optional<HttpAnswer> {
    if (request.target.find("/creds/") != std::string::npos) {
      EXPECT_TRUE(VaultStoreWorld::Eventually([&] { return go.load(); }, std::chrono::seconds(4)));
    }
    return std::nullopt;
  });
  World().Follow({ref_});
  ASSERT_TRUE(VaultStoreWorld::Eventually([&] { return proxy.Count("/creds/") == 1; }));

  World().Follow({});
  go = true;

  EXPECT_TRUE(
      VaultStoreWorld::Eventually([&] { return World().store().Status().leases_revoked == 1; }));
  EXPECT_THAT(users_.All(), SizeIs(0));
}

TEST_F(VaultLeases, AreGivenUpWhenTheRegistryRefusesThem) {
  LeasesLive("5m", "1h");
  World().Follow({ref_});
  ASSERT_TRUE(Acquired());
  const std::string user = User();

  EXPECT_TRUE(World().store().Discard(ref_));

  const std::string next = User();
  EXPECT_NE(next, user);
  EXPECT_TRUE(users_.Has(next));
  EXPECT_TRUE(VaultStoreWorld::Eventually([&] { return !users_.Has(user); }));
}

TEST_F(VaultLeases, ThatSomebodyElseRevokedAreReplacedAtTheNextRenewal) {
  LeasesLive("2s", "1h");
  World().Follow({ref_});
  ASSERT_TRUE(Acquired());
  const std::string hash = Seen().lease_hash;

  vault_.Must("PUT", "sys/leases/revoke-prefix/" + Mount() + "/creds");

  EXPECT_TRUE(VaultStoreWorld::Eventually(
      [&] { return Seen().lease_hash != hash && users_.Has(User()); }, std::chrono::seconds(5)));
}

TEST_F(VaultLeases, AreReplacedWhenTheLoginIsLost) {
  LeasesLive("5m", "1h");
  const std::string doomed = vault_.NewToken(Json({{"policies", {Mount()}}}));
  const std::string next = vault_.NewToken(Json({{"policies", {Mount()}}}));
  options_ = VaultStoreWorld::OptionsFor(dir_, doomed);
  World().Follow({ref_});
  ASSERT_TRUE(Acquired());
  const std::string user = User();

  ReplaceFile(dir_ / "token", next);

  EXPECT_TRUE(VaultStoreWorld::Eventually([&] { return User() != user && users_.Has(User()); }));
  vault_.RevokeToken(doomed);  // Takes its leases along.
  EXPECT_TRUE(users_.Has(User()));
}

TEST_F(VaultLeases, HaveOneVersionOnEveryBrokerAndAnotherForAnotherPlace) {
  LeasesLive("5m", "1h");
  vault_.Must("POST", Mount() + "/roles/other", R"({"vhosts":"{\"/\":{\"read\":\".*\"}}"})");
  VaultStoreWorld second(options_);

  const Result<StoredSecret> one = World().Fetch(ref_);
  const Result<StoredSecret> two = second.Fetch(ref_);
  const Result<StoredSecret> other = second.Fetch(RefTo(Mount() + "/creds/other"));

  ASSERT_TRUE(one && two && other);
  EXPECT_NE(one->data.at("username").Reveal(), two->data.at("username").Reveal());
  EXPECT_EQ(one->version, two->version);
  EXPECT_NE(one->version, other->version);
}

TEST_F(VaultLeases, StayUsableWhileVaultIsDownAndNotAfterTheirEnd) {
  LeasesLive("3s", "1h");
  VaultProxy proxy(vault_.address().port);
  options_.addresses = {*http::ParseOrigin(proxy.address())};
  World().Follow({ref_});
  ASSERT_TRUE(Acquired());
  const std::string user = User();
  HttpAnswer down;
  down.status = 503;
  proxy.BreakAll(down);

  EXPECT_EQ(User(), user);
  EXPECT_TRUE(VaultStoreWorld::Eventually(
      [&] { return User().find("status 503") != std::string::npos; }, std::chrono::seconds(6)));
  proxy.Heal();
  EXPECT_TRUE(
      VaultStoreWorld::Eventually([&] { return users_.Has(User()); }, std::chrono::seconds(10)));
}

TEST_F(VaultLeases, KeepTheirIdsOutOfLogs) {
  LeasesLive("5m", "1h");
  VaultProxy proxy(vault_.address().port);
  options_.addresses = {*http::ParseOrigin(proxy.address())};
  World().Follow({ref_});
  ASSERT_TRUE(Acquired());
  const auto leases = vault_.Must("LIST", "sys/leases/lookup/" + Mount() + "/creds/robot");
  const std::string id = leases.at("data").at("keys").as_array().at(0).as_string().c_str();
  World().store().Discard(ref_);
  ASSERT_TRUE(
      VaultStoreWorld::Eventually([&] { return World().store().Status().leases_revoked >= 1; }));

  EXPECT_THAT(World().Log(), Not(HasSubstr(id)));
  for (const HttpRequest& request : proxy.server().requests()) {
    EXPECT_THAT(request.target, Not(HasSubstr(id)));
  }
}

}  // namespace
}  // namespace connector::broker::secrets
