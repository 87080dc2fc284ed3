#include "dataplane/token/grant_cache.h"

#include "tests/support/cpp/fake_issuer.h"
#include "tests/support/cpp/run_task.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace connector::dataplane::token {
namespace {

using ::testing::SizeIs;
using testing_support::FakeIssuer;
using testing_support::MakeGrant;
using testing_support::RunTask;

const ConnectorRef kHarbor{"default", "harbor"};

GrantRequest MakeAsk(std::string repository = "a") {
  GrantRequest grant_request;
  grant_request.connector = kHarbor;
  grant_request.caller_token = std::make_shared<const Secret>("caller");
  grant_request.scopes = {{std::move(repository), {::connector::oci::Action::kPull}}};
  return grant_request;
}

GrantResult Granted(const GrantRequest&) {
  return MakeGrant(kHarbor, "token", "e1");
}

std::shared_ptr<const Grant> GrantOf(const GrantResult& outcome) {
  const auto* grant = std::get_if<std::shared_ptr<const Grant>>(&outcome);
  return grant == nullptr ? nullptr : *grant;
}

class CacheTest : public ::testing::Test {
 protected:
  std::shared_ptr<const Grant> Find(WallTime now) { return cache_.Find(key_, now, refresh_due_); }
  GrantResult Fetch() { return RunTask(cache_.Fetch(key_, MakeAsk())); }

  FakeIssuer issuer_{Granted};
  GrantCache cache_{issuer_, 64};
  std::string key_ = CacheKey(MakeAsk(), HashToken("caller"));
  WallTime now_ = std::chrono::system_clock::now();
  bool refresh_due_ = false;
};

TEST_F(CacheTest, FindsWhatWasFetched) {
  EXPECT_EQ(Find(now_), nullptr);
  const std::shared_ptr<const Grant> fetched = GrantOf(Fetch());

  EXPECT_EQ(Find(now_), fetched);
  EXPECT_FALSE(refresh_due_);
}

TEST_F(CacheTest, NeverServesPastTheEndOfTheCallersRight) {
  const std::shared_ptr<const Grant> grant = GrantOf(Fetch());

  EXPECT_NE(Find(grant->authorization_not_after - std::chrono::seconds(1)), nullptr);
  EXPECT_EQ(Find(grant->authorization_not_after), nullptr);
}

TEST_F(CacheTest, NeverServesACredentialThatIsAboutToEnd) {
  issuer_.SetAnswer([&](const GrantRequest&) -> GrantResult {
    auto grant = MakeGrant(kHarbor, "token", "e1");
    grant->not_after = now_ + std::chrono::seconds(30);
    return grant;
  });
  static_cast<void>(Fetch());

  EXPECT_NE(Find(now_ + std::chrono::seconds(24)), nullptr);
  EXPECT_EQ(Find(now_ + std::chrono::seconds(25)), nullptr);
}

TEST_F(CacheTest, SaysWhenARefreshIsDue) {
  const std::shared_ptr<const Grant> grant = GrantOf(Fetch());

  EXPECT_NE(Find(grant->authorization_not_after - std::chrono::seconds(10)), nullptr);
  EXPECT_TRUE(refresh_due_);
}

TEST_F(CacheTest, DoesNotAskForARefreshThatIsUnderWay) {
  const std::shared_ptr<const Grant> grant = GrantOf(Fetch());
  issuer_.Hold();
  cache_.Refresh(key_, MakeAsk());
  cache_.Refresh(key_, MakeAsk());

  EXPECT_NE(Find(grant->authorization_not_after - std::chrono::seconds(10)), nullptr);
  EXPECT_FALSE(refresh_due_);
  EXPECT_THAT(issuer_.asks(), SizeIs(2));
  issuer_.Release();
}

TEST_F(CacheTest, JoinsWaitersOfOneKeyToOneQuestion) {
  issuer_.Hold();
  asio::io_context io;
  std::vector<GrantResult> outcomes;
  const auto collect = [&](std::exception_ptr, GrantResult outcome) {
    outcomes.push_back(std::move(outcome));
  };
  for (int i = 0; i < 100; ++i) {
    asio::co_spawn(io, cache_.Fetch(key_, MakeAsk()), collect);
  }
  io.poll();
  issuer_.Release();
  io.restart();
  io.run();

  EXPECT_THAT(issuer_.asks(), SizeIs(1));
  ASSERT_THAT(outcomes, SizeIs(100));
  for (const GrantResult& outcome : outcomes) {
    EXPECT_EQ(GrantOf(outcome), GrantOf(outcomes[0]));
  }
}

TEST_F(CacheTest, GivesASingleUseTokenToOneWaiterOnly) {
  issuer_.SetAnswer([](const GrantRequest&) -> GrantResult {
    auto grant = MakeGrant(kHarbor, "token", "e1");
    grant->single_use = true;
    return grant;
  });
  issuer_.Hold();
  asio::io_context io;
  std::set<std::shared_ptr<const Grant>> grants;
  const auto collect = [&](std::exception_ptr, const GrantResult& outcome) {
    grants.insert(GrantOf(outcome));
  };
  for (int i = 0; i < 3; ++i) {
    asio::co_spawn(io, cache_.Fetch(key_, MakeAsk()), collect);
  }
  io.poll();
  issuer_.Release();
  io.restart();
  io.run();

  EXPECT_THAT(grants, SizeIs(3)) << "no two requests share one";
  EXPECT_EQ(Find(now_), nullptr) << "and none is kept";
}

TEST_F(CacheTest, EndsTheOldGrantWhenTheBrokerRefuses) {
  static_cast<void>(Fetch());
  issuer_.SetAnswer([](const GrantRequest&) -> GrantResult {
    return GrantDenial{DenialReason::kAccessDenied, "no", {}, ""};
  });
  cache_.Refresh(key_, MakeAsk());

  EXPECT_EQ(Find(now_), nullptr);
}

TEST_F(CacheTest, KeepsTheOldGrantWhenTheBrokerIsAway) {
  const std::shared_ptr<const Grant> grant = GrantOf(Fetch());
  issuer_.SetAnswer([](const GrantRequest&) -> GrantResult { return GrantDenial{}; });
  cache_.Refresh(key_, MakeAsk());

  EXPECT_EQ(Find(now_), grant);
}

TEST_F(CacheTest, DropsOnlyTheGrantThatWasMeant) {
  const std::shared_ptr<const Grant> old = GrantOf(Fetch());
  const std::shared_ptr<const Grant> fresh = GrantOf(Fetch());

  cache_.Drop(key_, old);
  EXPECT_EQ(Find(now_), fresh);
  cache_.Drop(key_, fresh);
  EXPECT_EQ(Find(now_), nullptr);
}

TEST_F(CacheTest, StaysWithinItsBound) {
  for (int i = 0; i < 1000; ++i) {
    const GrantRequest grant_request = MakeAsk("r" + std::to_string(i));
    static_cast<void>(
        RunTask(cache_.Fetch(CacheKey(grant_request, HashToken("caller")), grant_request)));
  }
  EXPECT_LE(cache_.Stats().entries, 64U + 16U);
}

TEST_F(CacheTest, GivesUpWhatEndsFirstWhenItIsFull) {
  const std::shared_ptr<const Grant> kept = GrantOf(Fetch());
  issuer_.SetAnswer([&](const GrantRequest&) -> GrantResult {
    auto grant = MakeGrant(kHarbor, "token", "e1");
    grant->authorization_not_after = now_ + std::chrono::seconds(30);
    return grant;
  });
  for (int i = 0; i < 1000; ++i) {
    const GrantRequest grant_request = MakeAsk("r" + std::to_string(i));
    static_cast<void>(
        RunTask(cache_.Fetch(CacheKey(grant_request, HashToken("caller")), grant_request)));
  }

  EXPECT_EQ(Find(now_), kept);
}

TEST_F(CacheTest, EvictsWhatHasEnded) {
  const std::shared_ptr<const Grant> grant = GrantOf(Fetch());
  cache_.EvictExpired(grant->authorization_not_after);

  EXPECT_EQ(cache_.Stats().entries, 0U);
}

TEST(CacheKey, DiffersInEveryPartThatDecidesTheOutcome) {
  using ::connector::oci::Action;
  std::set<std::string> keys;
  const auto add = [&](const ConnectorRef& ref,
                       const std::string& host,
                       std::vector<::connector::oci::Scope> scopes,
                       const std::string& caller) {
    GrantRequest grant_request;
    grant_request.connector = ref;
    grant_request.upstream_host = host;
    grant_request.scopes = std::move(scopes);
    EXPECT_TRUE(keys.insert(CacheKey(grant_request, HashToken(caller))).second);
  };
  add({"a", "b"}, "", {{"r", {Action::kPull}}}, "c");
  add({"a", "b"}, "", {{"r", {Action::kPull}}}, "d");
  add({"ab", ""}, "", {{"r", {Action::kPull}}}, "c");
  add({"", "ab"}, "", {{"r", {Action::kPull}}}, "c");
  add({"", ""}, "ab", {{"r", {Action::kPull}}}, "c");
  add({"a", "b"}, "", {{"r", {Action::kPush}}}, "c");
  add({"a", "b"}, "", {{"rr", {Action::kPull}}}, "c");
  add({"a", "b"}, "", {{"r", {Action::kPull}}, {"r", {Action::kPull}}}, "c");
  add({"a", "b"}, "", {}, "c");
}

}  // namespace
}  // namespace connector::dataplane::token
