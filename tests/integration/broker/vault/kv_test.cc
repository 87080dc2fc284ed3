#include "broker/secrets/vault/vault_store.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/run_task.h"
#include "tests/support/cpp/vault_proxy.h"
#include "tests/support/cpp/vault_store_world.h"

#include <boost/asio/co_spawn.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <optional>

namespace connector::broker::secrets {
namespace {

using ::testing::AllOf;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::Not;
using testing_support::HasError;
using testing_support::HasErrorMessage;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::Json;
using testing_support::PasswordOf;
using testing_support::RefTo;
using testing_support::ScratchDir;
using testing_support::VaultProxy;
using testing_support::VaultServer;
using testing_support::VaultStoreWorld;

class VaultKv : public ::testing::Test {
 protected:
  VaultKv() {
    vault_.Mount("kv", R"({"type":"kv","options":{"version":"2"}})");
    vault_.Policy("kv-reader", R"(
      path "kv/data/+/*" { capabilities = ["read"] }
      path "kv/data/+/denied" { capabilities = ["deny"] }
      path "kv/metadata/*" { capabilities = ["read"] })");
    token_ = vault_.NewToken(Json({{"policies", {"kv-reader"}}}));
    options_ = VaultStoreWorld::OptionsFor(dir_, token_);
  }

  // A path of this test's own.
  static std::string Path(const std::string& name = "secret") {
    return std::string("kv/data/") +
           ::testing::UnitTest::GetInstance()->current_test_info()->name() + "/" + name;
  }
  static std::string MetadataPath(const std::string& name = "secret") {
    return "kv/metadata/" + Path(name).substr(8);
  }
  void Put(const std::string& password, const std::string& name = "secret") {
    PutJson(Json({{"username", "u"}, {"password", password}}), name);
  }
  void PutJson(const std::string& fields, const std::string& name = "secret") {
    vault_.Must("POST", Path(name), R"({"data":)" + fields + "}");
  }
  VaultStoreWorld& World() {
    if (!world_) {
      world_.emplace(options_);
    }
    return *world_;
  }
  VaultObservation Seen(const SecretRef& ref) { return World().store().Observed(ref); }

  VaultServer& vault_ = VaultServer::Shared();
  ScratchDir dir_;
  std::string token_;
  VaultOptions options_;
  std::optional<VaultStoreWorld> world_;
};

TEST_F(VaultKv, ReadsAPinnedVersionOrTheNewest) {
  Put("one");
  Put("two");
  SecretRef pinned = RefTo(Path());
  pinned.vault->version = 1;

  EXPECT_EQ(PasswordOf(World().Fetch(pinned)), "one");
  EXPECT_EQ(PasswordOf(World().Fetch(RefTo(Path()))), "two");
}

TEST_F(VaultKv, SaysThatAVersionWasDeletedOrDestroyed) {
  Put("one");
  vault_.Must("DELETE", Path());
  EXPECT_THAT(World().Fetch(RefTo(Path())),
              HasErrorMessage(ErrorCode::kNotFound,
                              Path() + " in Vault: version 1 was deleted; undelete it or write a "
                                       "new one"));

  vault_.Must("PUT", "kv/destroy/" + Path().substr(8), R"({"versions":[1]})");
  EXPECT_THAT(World().Fetch(RefTo(Path())),
              HasErrorMessage(ErrorCode::kNotFound,
                              Path() + " in Vault: version 1 was destroyed; write a new one"));
}

TEST_F(VaultKv, SaysWhichPathToWriteWhenDataIsMissingInIt) {
  options_.login = TokenFileLogin{dir_ / "root"};
  testing_support::ReplaceFile(dir_ / "root", vault_.root_token());

  EXPECT_THAT(World().Fetch(RefTo("kv/ci/harbor")),
              HasErrorMessage(ErrorCode::kNotFound,
                              "kv/ci/harbor in Vault: the engine keeps versions (KV v2); write the "
                              "path as kv/data/ci/harbor"));
}

TEST_F(VaultKv, TakesUserAndPasswordFromTheKeysThatAreNamed) {
  PutJson(R"({"user":"u1","pass":"p1","username":"other","password":"other"})");
  SecretRef ref = RefTo(Path());
  ref.vault->username_key = "user";
  ref.vault->password_key = "pass";

  const Result<StoredSecret> secret = World().Fetch(ref);

  ASSERT_TRUE(secret.has_value()) << secret.error().message;
  const Result<RegistryCredential> credential = ReadRegistryCredential(ref, *secret, {"r.example"});
  ASSERT_TRUE(credential.has_value()) << credential.error().message;
  EXPECT_EQ(credential->username, "u1");
  EXPECT_EQ(credential->password.Reveal(), "p1");
}

TEST_F(VaultKv, NamesTheKeyThatIsMissing) {
  PutJson(R"({"username":"u"})");
  SecretRef ref = RefTo(Path());
  ref.vault->password_key = "pass";
  const std::string complaint = Path() + " in Vault lacks the key pass (passwordKey)";

  const Result<StoredSecret> secret = World().Fetch(ref);

  ASSERT_TRUE(secret.has_value()) << secret.error().message;
  EXPECT_THAT(ReadRegistryCredential(ref, *secret, {"r.example"}),
              HasErrorMessage(ErrorCode::kInvalidArgument, complaint));
  EXPECT_EQ(Seen(ref).problem, complaint);
}

TEST_F(VaultKv, RefusesAPasswordThatIsNotText) {
  PutJson(R"({"username":"u","password":[12345]})");

  EXPECT_THAT(World().Fetch(RefTo(Path())),
              HasErrorMessage(ErrorCode::kInvalidArgument,
                              "the key password of " + Path() +
                                  " in Vault is neither text nor a whole number"));
}

TEST_F(VaultKv, ReadsAWholeDockerConfigurationUnderOneKey) {
  const std::string config = R"({"auths":{"r.example":{"username":"u","password":"p"}}})";
  PutJson(Json({{"text", config}, {"object", boost::json::parse(config)}}));
  for (const char* key : {"text", "object"}) {
    SecretRef ref = RefTo(Path());
    ref.vault->docker_config_key = key;

    const Result<StoredSecret> secret = World().Fetch(ref);

    ASSERT_TRUE(secret.has_value()) << secret.error().message;
    const Result<RegistryCredential> credential =
        ReadRegistryCredential(ref, *secret, {"r.example"});
    ASSERT_TRUE(credential.has_value()) << credential.error().message;
    EXPECT_EQ(credential->password.Reveal(), "p") << key;
  }
}

TEST_F(VaultKv, NamesThePolicyThatLacksTheRight) {
  EXPECT_THAT(World().Fetch(RefTo(Path("denied"))),
              HasErrorMessage(ErrorCode::kPermissionDenied,
                              "policy `kv-reader` lacks `read` on `" + Path("denied") + "`"));
  EXPECT_EQ(World().Count(VaultOperation::kLookupSelf), 2u)
      << "the login, and whether it still lives";
}

TEST_F(VaultKv, AsksVaultNothingThatTheRulesForbid) {
  options_.paths = {{{"ci"}, {"kv/data/{namespace}/*"}, {}}};

  EXPECT_THAT(World().Fetch(RefTo("kv/data/team-b/x", "team-a")),
              HasErrorMessage(ErrorCode::kPermissionDenied, HasSubstr("team-a may not refer to")));
  EXPECT_THAT(World().Fetch(RefTo("kv/data/team-b/x", "ci")),
              HasErrorMessage(ErrorCode::kPermissionDenied, HasSubstr("ci may not refer to")));
  World().Follow({RefTo("kv/data/team-b/x", "ci")});

  EXPECT_THAT(Seen(RefTo("kv/data/team-b/x", "ci")).problem, HasSubstr("ci may not refer to"));
  EXPECT_TRUE(World().exchanges().empty());
}

TEST_F(VaultKv, RefusesAWrappedAnswer) {
  Put("p");
  VaultProxy proxy(vault_.address().port);
  options_.addresses = {*http::ParseOrigin(proxy.address())};
  ASSERT_EQ(PasswordOf(World().Fetch(RefTo(Path()))), "p");

  proxy.AddHeader("X-Vault-Wrap-TTL: 60s");

  EXPECT_THAT(World().Fetch(RefTo(Path())),
              HasErrorMessage(ErrorCode::kInvalidArgument,
                              HasSubstr("with a wrapped response, which is not accepted")));
}

TEST_F(VaultKv, PollsTheMetadataAndReadsTheDataOnlyWhenTheyChanged) {
  Put("one");
  const SecretRef ref = RefTo(Path());
  World().Follow({ref});
  ASSERT_TRUE(VaultStoreWorld::Eventually(
      [&] { return World().Count(VaultOperation::kReadMetadata) >= 5; }));
  EXPECT_EQ(World().Count(VaultOperation::kRead), 1u);
  const std::string version = Seen(ref).version;

  Put("two");

  ASSERT_TRUE(VaultStoreWorld::Eventually([&] { return Seen(ref).version != version; }));
  EXPECT_EQ(World().Count(VaultOperation::kRead), 2u);
  EXPECT_EQ(Seen(ref).kv_version, 2u);
}

TEST_F(VaultKv, SeesADeletionAndAnUndeletion) {
  Put("one");
  const SecretRef ref = RefTo(Path());
  World().Follow({ref});
  ASSERT_TRUE(VaultStoreWorld::Eventually([&] { return Seen(ref).problem.empty(); }));
  const std::string version = Seen(ref).version;

  vault_.Must("DELETE", Path());
  ASSERT_TRUE(VaultStoreWorld::Eventually([&] { return Seen(ref).version.empty(); }));
  EXPECT_THAT(Seen(ref).problem, HasSubstr("was deleted"));

  vault_.Must("POST", "kv/undelete/" + Path().substr(8), R"({"versions":[1]})");
  ASSERT_TRUE(VaultStoreWorld::Eventually([&] { return Seen(ref).problem.empty(); }));
  EXPECT_EQ(Seen(ref).version, version);
}

TEST_F(VaultKv, SeesThatItWasRemovedWithAllMetadataAndWrittenAgain) {
  Put("one");
  const SecretRef ref = RefTo(Path());
  World().Follow({ref});
  ASSERT_TRUE(VaultStoreWorld::Eventually([&] { return Seen(ref).problem.empty(); }));
  const std::string version = Seen(ref).version;

  vault_.Must("DELETE", MetadataPath());
  Put("two");  // Version 1 again.

  ASSERT_TRUE(VaultStoreWorld::Eventually(
      [&] { return Seen(ref).problem.empty() && Seen(ref).version != version; }));
  EXPECT_EQ(Seen(ref).kv_version, 1u);
}

TEST_F(VaultKv, ShowsAPolicyThatWasRemovedAndOneThatCameBack) {
  Put("one");
  vault_.Policy("kv-shifting", "path \"" + Path() + R"(" { capabilities = ["read"] })");
  options_ =
      VaultStoreWorld::OptionsFor(dir_, vault_.NewToken(Json({{"policies", {"kv-shifting"}}})));
  const SecretRef ref = RefTo(Path());
  World().Follow({ref});
  ASSERT_TRUE(VaultStoreWorld::Eventually([&] { return Seen(ref).problem.empty(); }));

  vault_.Policy("kv-shifting", R"(path "kv/data/elsewhere" { capabilities = ["read"] })");
  ASSERT_TRUE(VaultStoreWorld::Eventually([&] { return !Seen(ref).problem.empty(); }));
  EXPECT_EQ(Seen(ref).problem, "policy `kv-shifting` lacks `read` on `" + Path() + "`");

  vault_.Policy("kv-shifting", "path \"" + Path() + R"(" { capabilities = ["read"] })");
  EXPECT_TRUE(VaultStoreWorld::Eventually([&] { return Seen(ref).problem.empty(); }));
}

TEST_F(VaultKv, TellsOneContentApartByWhatTheReferenceMakesOfIt) {
  PutJson(R"({"username":"u","password":"p","config":"p"})");
  SecretRef docker = RefTo(Path());
  docker.vault->docker_config_key = "config";

  EXPECT_NE(World().Fetch(RefTo(Path()))->version, World().Fetch(docker)->version);
}

TEST_F(VaultKv, NamesTheNamespaceOfTheReferenceOrItsOwn) {
  VaultProxy proxy(vault_.address().port);
  options_.addresses = {*http::ParseOrigin(proxy.address())};
  options_.vault_namespace = "admin";
  SecretRef other = RefTo(Path());
  other.vault->vault_namespace = "team-a";

  (void)World().Fetch(RefTo(Path()));
  (void)World().Fetch(other);

  std::vector<std::string> named;
  for (const HttpRequest& request : proxy.server().requests()) {
    if (request.target.find("/kv/") != std::string::npos) {
      named.push_back(request.Header("x-vault-namespace"));
    }
  }
  EXPECT_THAT(named, ::testing::ElementsAre("admin", "team-a"));
}

TEST_F(VaultKv, AsksOnceForManyWhoAskAtATime) {
  Put("p");
  VaultProxy proxy(vault_.address().port);
  options_.addresses = {*http::ParseOrigin(proxy.address())};
  ASSERT_EQ(PasswordOf(World().Fetch(RefTo(Path()))), "p");
  const std::size_t before = proxy.Count(Path());
  std::mutex mutex;
  std::condition_variable ready;
  int started = 0;
  proxy.Break([&](const HttpRequest&) -> std::optional<HttpAnswer> {
    std::unique_lock lock(mutex);
    ready.wait_for(lock, std::chrono::seconds(10), [&] { return started == 20; });
    return std::nullopt;
  });

  asio::io_context io;
  int good = 0;
  for (int i = 0; i < 20; ++i) {
    asio::co_spawn(io,
                   World().store().Fetch(
                       RefTo(Path()), std::chrono::steady_clock::now() + std::chrono::seconds(20)),
                   [&](const std::exception_ptr&, const Result<StoredSecret>& secret) {
                     good += PasswordOf(secret) == "p" ? 1 : 0;
                   });
  }
  io.poll();  // All have asked now.
  {
    const std::lock_guard lock(mutex);
    started = 20;
  }
  ready.notify_all();
  io.run();

  EXPECT_EQ(good, 20);
  EXPECT_EQ(proxy.Count(Path()) - before, 1u);
}

TEST_F(VaultKv, LetsNoTokenOrPasswordIntoALogOrAUrl) {
  Put("hunter2-canary");
  VaultProxy proxy(vault_.address().port);
  options_.addresses = {*http::ParseOrigin(proxy.address())};
  World().Follow({RefTo(Path()), RefTo(Path("denied"))});
  (void)World().Fetch(RefTo(Path()));
  const Result<StoredSecret> denied = World().Fetch(RefTo(Path("denied")));

  for (const HttpRequest& request : proxy.server().requests()) {
    EXPECT_THAT(request.target, Not(HasSubstr(token_)));
  }
  EXPECT_THAT(World().Log(), AllOf(Not(HasSubstr(token_)), Not(HasSubstr("hunter2-canary"))));
  EXPECT_THAT(denied.error().message, Not(HasSubstr(token_)));
}

}  // namespace
}  // namespace connector::broker::secrets
