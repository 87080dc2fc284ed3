#include "broker/secrets/vault/vault_store.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/vault_proxy.h"
#include "tests/support/cpp/vault_store_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <optional>

namespace connector::broker::secrets {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;
using testing_support::HasErrorMessage;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::HttpServer;
using testing_support::Json;
using testing_support::PasswordOf;
using testing_support::RefTo;
using testing_support::ScratchDir;
using testing_support::VaultProxy;
using testing_support::VaultServer;
using testing_support::VaultStoreWorld;
using Steady = std::chrono::steady_clock;

constexpr const char* kPath = "faults/data/ci/harbor";

bool IsRead(const HttpRequest& request) {
  return request.target.find("/faults/") != std::string::npos;
}

// Answers the first read so, once; everything else goes to Vault.
VaultProxy::Fault Once(HttpAnswer answer) {
  auto left = std::make_shared<std::atomic<int>>(1);
  return [answer, left](const HttpRequest& request) -> std::optional<HttpAnswer> {
    return IsRead(request) && left->fetch_sub(1) == 1 ? std::optional(answer) : std::nullopt;
  };
}

HttpAnswer Status(int status, std::vector<std::pair<std::string, std::string>> headers = {}) {
  HttpAnswer answer;
  answer.status = status;
  answer.headers = std::move(headers);
  answer.body = R"({"errors":[]})";
  return answer;
}

class VaultFault : public ::testing::Test {
 protected:
  VaultFault() {
    vault_.Mount("faults", R"({"type":"kv","options":{"version":"2"}})");
    Put("p");
    token_ = vault_.NewToken(Json({{"policies", {"root"}}}));
    options_ = VaultStoreWorld::OptionsFor(dir_, token_);
    options_.addresses = {AddressOf(proxy_)};
  }
  static http::Origin AddressOf(const VaultProxy& proxy) {
    return *http::ParseOrigin(proxy.address());
  }
  void Put(const std::string& password) {
    vault_.Must(
        "POST", kPath, R"({"data":)" + Json({{"username", "u"}, {"password", password}}) + "}");
  }
  VaultStoreWorld& World() {
    if (!world_) {
      world_.emplace(options_);
    }
    return *world_;
  }
  Result<StoredSecret> Fetch() { return World().Fetch(ref_); }
  // Logs in and reads once, so that the next request is the read.
  void WarmUp() { ASSERT_EQ(PasswordOf(Fetch()), "p"); }

  VaultServer& vault_ = VaultServer::Shared();
  VaultProxy proxy_{vault_.address().port};
  ScratchDir dir_;
  std::string token_;
  VaultOptions options_;
  const SecretRef ref_ = RefTo(kPath);
  std::optional<VaultStoreWorld> world_;  // Last: it uses the others.
};

TEST_F(VaultFault, WaitsAShortRetryAfterAndThenSucceeds) {
  for (const int status : {429, 503}) {
    WarmUp();
    std::vector<Steady::time_point> asked;
    std::mutex mutex;
    proxy_.Break([&](const HttpRequest& request) -> std::optional<HttpAnswer> {
      if (!IsRead(request)) {
        return std::nullopt;
      }
      const std::lock_guard lock(mutex);
      asked.push_back(Steady::now());
      return asked.size() == 1 ? std::optional(Status(status, {{"Retry-After", "1"}}))
                               : std::nullopt;
    });

    EXPECT_EQ(PasswordOf(Fetch()), "p");

    proxy_.Heal();
    ASSERT_EQ(asked.size(), 2u);
    EXPECT_GE(asked[1] - asked[0], std::chrono::seconds(1)) << status;
  }
}

TEST_F(VaultFault, FailsAtOnceAndPassesALongRetryAfterOn) {
  WarmUp();
  proxy_.Break(Once(Status(429, {{"Retry-After", "30"}})));

  const Result<StoredSecret> limited = Fetch();
  const std::size_t asked = proxy_.Count("/faults/");
  const Result<StoredSecret> again = Fetch();

  for (const Result<StoredSecret>* result : {&limited, &again}) {
    ASSERT_THAT(*result,
                HasErrorMessage(ErrorCode::kUnavailable,
                                AllOf(HasSubstr("limits our requests"), HasSubstr(kPath))));
    EXPECT_THAT(result->error().retry_after.count(), AllOf(Ge(28), Le(30)));
  }
  EXPECT_EQ(proxy_.Count("/faults/"), asked) << "nobody asks before the time";
}

TEST_F(VaultFault, FollowsARedirectToAnotherConfiguredAddress) {
  VaultProxy active(vault_.address().port);
  options_.addresses = {AddressOf(proxy_), AddressOf(active)};
  proxy_.Break([&](const HttpRequest& request) -> std::optional<HttpAnswer> {
    return Status(307, {{"Location", active.address() + request.target}});
  });

  EXPECT_EQ(PasswordOf(Fetch()), "p");
  EXPECT_EQ(active.Count("/faults/"), 1u);
}

TEST_F(VaultFault, FollowsNoRedirectElsewhere) {
  WarmUp();
  HttpServer stranger([](const HttpRequest&) { return HttpAnswer{}; });
  for (const int status : {307, 472, 473}) {
    proxy_.Break([&](const HttpRequest& request) -> std::optional<HttpAnswer> {
      return IsRead(request) ? std::optional(Status(
                                   status, {{"Location", stranger.address() + request.target}}))
                             : std::nullopt;
    });

    EXPECT_THAT(Fetch(),
                HasErrorMessage(ErrorCode::kUnavailable,
                                AllOf(HasSubstr("redirects to " + stranger.address()),
                                      HasSubstr("is not followed"))));
    proxy_.Heal();
    ASSERT_TRUE(VaultStoreWorld::Eventually([&] { return PasswordOf(Fetch()) == "p"; }));
  }
  EXPECT_EQ(stranger.connections(), 0u);
}

TEST_F(VaultFault, GivesUpOnARedirectInACircle) {
  WarmUp();
  proxy_.Break([&](const HttpRequest& request) -> std::optional<HttpAnswer> {
    return Status(307, {{"Location", proxy_.address() + request.target}});
  });

  EXPECT_THAT(Fetch(),
              HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("redirects in a circle")));
}

TEST_F(VaultFault, AsksTheNextAddressWhenAStandbyNamesNoActiveNode) {
  for (const int status : {472, 473}) {
    VaultProxy active(vault_.address().port);
    VaultProxy standby(vault_.address().port);
    standby.BreakAll(Status(status));
    options_.addresses = {AddressOf(standby), AddressOf(active)};
    VaultStoreWorld world(options_);

    EXPECT_EQ(PasswordOf(world.Fetch(ref_)), "p") << status;
  }
}

TEST_F(VaultFault, RepeatsARequestForMissingStateWithTheIndex) {
  WarmUp();
  std::vector<std::string> indexes;
  std::mutex mutex;
  proxy_.Break([&](const HttpRequest& request) -> std::optional<HttpAnswer> {
    if (!IsRead(request)) {
      return std::nullopt;
    }
    const std::lock_guard lock(mutex);
    indexes.push_back(request.Header("x-vault-index"));
    return indexes.size() <= 2 ? std::optional(Status(412, {{"X-Vault-Index", "state-7"}}))
                               : std::nullopt;
  });

  EXPECT_EQ(PasswordOf(Fetch()), "p");
  EXPECT_THAT(indexes, ::testing::ElementsAre("", "state-7", "state-7"));
}

TEST_F(VaultFault, TriesItsAddressesInOrder) {
  VaultProxy dead(vault_.address().port);
  VaultProxy second(vault_.address().port);
  VaultProxy third(vault_.address().port);
  HttpAnswer cut;
  cut.cut = true;
  dead.BreakAll(cut);
  options_.addresses = {AddressOf(dead), AddressOf(second), AddressOf(third)};

  EXPECT_EQ(PasswordOf(Fetch()), "p");
  EXPECT_GE(dead.server().requests().size(), 1u);
  EXPECT_EQ(second.Count("/faults/"), 1u);
  EXPECT_EQ(third.server().requests().size(), 0u);
}

TEST_F(VaultFault, LeavesASilentAddressAfterTheTimeout) {
  VaultProxy silent(vault_.address().port);
  HttpAnswer nothing;
  nothing.silent = true;
  silent.BreakAll(nothing);
  options_.addresses = {AddressOf(silent), AddressOf(proxy_)};
  options_.timeout = std::chrono::milliseconds(300);

  EXPECT_EQ(PasswordOf(Fetch()), "p");
}

struct Broken {
  const char* name;
  HttpAnswer answer;
  const char* message;
};

class VaultBrokenAnswer : public VaultFault, public ::testing::WithParamInterface<int> {
 protected:
  static Broken Case(int index) {
    HttpAnswer silent;
    silent.silent = true;
    HttpAnswer cut;
    cut.body = R"({"data":{"data":{"password":"half)";
    cut.cut = true;
    HttpAnswer large;
    large.body = R"({"data":")" + std::string(10 * 1024 * 1024, 'x') + "\"}";
    HttpAnswer nonsense;
    nonsense.body = R"({"data": [1, {"password": )";
    HttpAnswer page;
    page.body = "<html>Please log in</html>";
    HttpAnswer other;
    other.body = R"({"data":"text"})";
    HttpAnswer moved = Status(302, {{"Location", "http://127.0.0.1:1/"}});
    const std::vector<Broken> all = {
        {"silent", silent, "did not answer in time"},
        {"cut", cut, "cut the connection off"},
        {"large", large, "is too large"},
        {"nonsense", nonsense, "is not a JSON object"},
        {"page", page, "is not a JSON object"},
        {"other", other, "has no data"},
        {"moved", moved, "status 302"},
        {"internal", Status(500), "status 500"},
        {"gateway", Status(502), "status 502"},
    };
    return all[static_cast<std::size_t>(index)];
  }
};

TEST_P(VaultBrokenAnswer, IsAnErrorThatNamesThePathAndPasses) {
  const Broken broken = Case(GetParam());
  options_.timeout = std::chrono::milliseconds(500);
  WarmUp();
  World().Follow({ref_});
  const std::string version = World().store().Observed(ref_).version;
  proxy_.Break([&](const HttpRequest& request) -> std::optional<HttpAnswer> {
    return IsRead(request) ? std::optional(broken.answer) : std::nullopt;
  });

  const Result<StoredSecret> failed = Fetch();

  ASSERT_FALSE(failed.has_value()) << broken.name;
  EXPECT_THAT(failed.error().message, AllOf(HasSubstr(broken.message), HasSubstr(kPath)));
  EXPECT_THAT(failed.error().code,
              ::testing::AnyOf(ErrorCode::kUnavailable, ErrorCode::kResourceExhausted));
  EXPECT_EQ(World().store().Observed(ref_).version, version) << "what was read stays in force";
  EXPECT_EQ(World().store().Observed(ref_).problem, "");
  proxy_.Heal();
  EXPECT_TRUE(VaultStoreWorld::Eventually([&] { return PasswordOf(Fetch()) == "p"; },
                                          std::chrono::seconds(10)));
}

INSTANTIATE_TEST_SUITE_P(, VaultBrokenAnswer, ::testing::Range(0, 9));

TEST_F(VaultFault, ShowsASealedVaultAndRecoversWhenItIsUnsealed) {
  options_.poll_interval = std::chrono::hours(1);  // Nothing asks Vault but what the test does.
  WarmUp();
  World().Follow({ref_});
  ASSERT_TRUE(
      VaultStoreWorld::Eventually([&] { return World().store().Status().login.has_value(); }));
  const std::string version = World().store().Observed(ref_).version;

  vault_.Seal();
  const Result<StoredSecret> sealed = Fetch();
  const VaultStatus status = World().store().Status();
  const VaultObservation seen = World().store().Observed(ref_);
  vault_.Unseal();

  EXPECT_THAT(
      sealed,
      HasErrorMessage(ErrorCode::kUnavailable, AllOf(HasSubstr("is sealed"), HasSubstr(kPath))));
  EXPECT_GE(sealed.error().retry_after, std::chrono::seconds(1));
  EXPECT_TRUE(status.sealed);
  EXPECT_FALSE(status.reachable);
  EXPECT_THAT(status.problem, HasSubstr("is sealed"));
  EXPECT_EQ(seen.version, version);
  EXPECT_EQ(seen.problem, "");
  EXPECT_TRUE(VaultStoreWorld::Eventually([&] { return World().store().Status().reachable; },
                                          std::chrono::seconds(10)))
      << "nobody had to ask";
  EXPECT_EQ(PasswordOf(Fetch()), "p");
}

TEST_F(VaultFault, SaysThatNothingWasReadYetWhileVaultIsDownFromTheStart) {
  proxy_.BreakAll(Status(503));
  World().Follow({ref_});

  EXPECT_TRUE(VaultStoreWorld::Eventually([&] {
    return World().store().Observed(ref_).problem.find("status 503") != std::string::npos;
  }));
  EXPECT_THAT(World().store().Observed(ref_).problem,
              HasSubstr(std::string("Vault has not answered yet for ") + kPath));
  proxy_.Heal();
  EXPECT_TRUE(VaultStoreWorld::Eventually(
      [&] { return World().store().Observed(ref_).problem.empty(); }, std::chrono::seconds(10)));
}

}  // namespace
}  // namespace connector::broker::secrets
