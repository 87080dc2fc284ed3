#include "broker/upstream_auth/token_cache.h"

#include "tests/support/cpp/fake_clock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

namespace connector::broker::upstream_auth {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;

constexpr WallTime kNow = testing_support::FakeClock::kStart;
constexpr double kNoJitter = 0.5;

TokenPointer Token(const std::string& value, WallTime::duration life, bool single_use = false) {
  return std::make_shared<const UpstreamToken>(
      UpstreamToken{CredentialScheme::kBearer, Secret(value), kNow + life, single_use});
}

TokenCacheKey Key(const std::string& repository, const std::string& ns = "default") {
  return {{ns, "harbor"}, "mint-key", {{repository, {oci::Action::kPull}}}};
}

Freshness TokenCacheAt(const TokenCache& cache, WallTime::duration after) {
  return cache.Find(Key("a"), kNow + after).freshness;
}

TEST(TokenCache, FindsWhatWasPut) {
  TokenCache cache;
  EXPECT_EQ(cache.Find(Key("a"), kNow).token, nullptr);
  cache.Put(Key("a"), Token("t", seconds(300)), kNow, kNoJitter);

  const TokenCache::Found found = cache.Find(Key("a"), kNow);

  EXPECT_EQ(found.freshness, Freshness::kFresh);
  EXPECT_EQ(found.token->value.Reveal(), "t");
  EXPECT_EQ(cache.Find(Key("b"), kNow).token, nullptr);
}

TEST(TokenCache, ReplacesATokenFromAThirdOfItsLifeBeforeTheEnd) {
  TokenCache cache;
  cache.Put(Key("a"), Token("t", seconds(300)), kNow, kNoJitter);

  EXPECT_EQ(TokenCacheAt(cache, seconds(199)), Freshness::kFresh);
  EXPECT_EQ(TokenCacheAt(cache, seconds(201)), Freshness::kRefresh);
  EXPECT_EQ(TokenCacheAt(cache, milliseconds(289'999)), Freshness::kRefresh);
  EXPECT_EQ(TokenCacheAt(cache, seconds(290)), Freshness::kLow) << "less than ten seconds are left";
  EXPECT_EQ(TokenCacheAt(cache, milliseconds(299'999)), Freshness::kLow);
  EXPECT_EQ(TokenCacheAt(cache, seconds(300)), Freshness::kNone);
}

TEST(TokenCache, MovesThePointOfReplacementByAFifth) {
  TokenCache early;
  TokenCache late;
  early.Put(Key("a"), Token("t", seconds(300)), kNow, 0.999999);
  late.Put(Key("a"), Token("t", seconds(300)), kNow, 0);

  EXPECT_EQ(TokenCacheAt(early, seconds(179)), Freshness::kFresh);
  EXPECT_EQ(TokenCacheAt(early, seconds(181)), Freshness::kRefresh);
  EXPECT_EQ(TokenCacheAt(late, seconds(219)), Freshness::kFresh);
  EXPECT_EQ(TokenCacheAt(late, seconds(221)), Freshness::kRefresh);
}

TEST(TokenCache, GivesAShortTokenThreeQuartersOfItsLife) {
  TokenCache cache;
  cache.Put(Key("a"), Token("t", seconds(4)), kNow, 0);

  EXPECT_EQ(TokenCacheAt(cache, milliseconds(2999)), Freshness::kRefresh);
  EXPECT_EQ(TokenCacheAt(cache, milliseconds(3000)), Freshness::kLow);
}

TEST(TokenCache, RefreshesNoMoreWhenToldToKeepATokenToTheEnd) {
  TokenCache cache;
  cache.Put(Key("a"), Token("t", seconds(300)), kNow, kNoJitter);
  cache.KeepToTheEnd(Key("a"));

  EXPECT_EQ(TokenCacheAt(cache, seconds(289)), Freshness::kFresh);
  EXPECT_EQ(TokenCacheAt(cache, seconds(290)), Freshness::kLow);
}

TEST(TokenCache, NeverKeepsASingleUseOrDeadToken) {
  TokenCache cache;
  cache.Put(Key("a"), Token("t", seconds(60), true), kNow, kNoJitter);
  cache.Put(Key("a"), Token("t", seconds(0)), kNow, kNoJitter);

  EXPECT_EQ(cache.size(), 0U);
}

TEST(TokenCache, ForgetsWhatIsErased) {
  TokenCache cache;
  cache.Put(Key("a"), Token("t", seconds(300)), kNow, kNoJitter);
  cache.Erase(Key("a"));

  EXPECT_EQ(cache.Find(Key("a"), kNow).token, nullptr);
}

TEST(TokenCache, DropsTheDeadFirstAndThenWhatDiesFirst) {
  TokenCache cache(3);
  cache.Put(Key("dead"), Token("t", seconds(1)), kNow, kNoJitter);
  cache.Put(Key("short"), Token("t", seconds(100)), kNow, kNoJitter);
  cache.Put(Key("long"), Token("t", seconds(300)), kNow, kNoJitter);
  const WallTime later = kNow + seconds(2);

  cache.Put(Key("a"), Token("t", seconds(300)), later, kNoJitter);
  EXPECT_EQ(cache.size(), 3U);
  EXPECT_NE(cache.Find(Key("short"), later).token, nullptr);

  cache.Put(Key("b"), Token("t", seconds(300)), later, kNoJitter);
  EXPECT_EQ(cache.size(), 3U);
  EXPECT_EQ(cache.Find(Key("short"), later).token, nullptr);
  EXPECT_NE(cache.Find(Key("long"), later).token, nullptr);
}

TEST(TokenCache, DropsThoseOfTheNamespaceWithTheMostHoweverLongTheyLive) {
  TokenCache cache(10);
  cache.Put(Key("a"), Token("good", seconds(60)), kNow, kNoJitter);
  for (int i = 0; i < 100; ++i) {
    const std::string name = std::to_string(i);
    cache.Put(Key(name, "evil"), Token(name, std::chrono::hours(24)), kNow, kNoJitter);
  }

  EXPECT_EQ(cache.size(), 10U);
  EXPECT_NE(cache.Find(Key("a"), kNow).token, nullptr);
  EXPECT_NE(cache.Find(Key("99", "evil"), kNow).token, nullptr);
}

TEST(TokenCache, NeverExceedsItsBound) {
  TokenCache cache(64);
  for (int i = 0; i < 1000; ++i) {
    cache.Put(Key(std::to_string(i)), Token("t", seconds(300)), kNow, kNoJitter);
    ASSERT_LE(cache.size(), 64U);
    ASSERT_NE(cache.Find(Key(std::to_string(i)), kNow).token, nullptr);
  }
}

TEST(Normalized, SortsAndJoinsTheActionsOfOneRepository) {
  EXPECT_THAT(
      Normalized(
          {{"b", {oci::Action::kPull}}, {"a", {oci::Action::kPush}}, {"a", {oci::Action::kPull}}}),
      ElementsAre(oci::Scope{"a", {oci::Action::kPull, oci::Action::kPush}},
                  oci::Scope{"b", {oci::Action::kPull}}));
  EXPECT_THAT(Normalized({{"a", {oci::Action::kDelete}}}),
              ElementsAre(oci::Scope{"a", {oci::Action::kDelete}}));
}

// Keys are made of pieces that a careless join would confuse: "a"+"bc" and "ab"+"c".
TEST(TokenCacheKey, IsEqualOnlyWhenEveryPartIs) {
  std::mt19937 generator(4711);
  const std::vector<std::string> pieces = {"", "a", "b", "ab", "a/b", "a:b", "/", ":", ","};
  const auto piece = [&] { return pieces[generator() % pieces.size()]; };
  const std::vector<oci::ActionSet> actions = {
      {oci::Action::kPull}, {oci::Action::kPush}, {oci::Action::kPull, oci::Action::kPush}};
  TokenCache cache(100'000);
  std::map<std::string, TokenCacheKey> by_text;
  std::set<TokenCacheKey> seen;
  for (int i = 0; i < 20'000; ++i) {
    TokenCacheKey key{{piece(), piece()}, piece(), {}};
    std::vector<oci::Scope> scopes;
    for (std::size_t n = generator() % 3; n > 0; --n) {
      scopes.push_back({piece(), actions[generator() % actions.size()]});
    }
    key.scopes = Normalized(scopes);
    // An unambiguous text of every part, by length.
    std::string text;
    const auto add = [&](const std::string& part) {
      text.append(std::to_string(part.size())).append(":").append(part);
    };
    add(key.connector.ns);
    add(key.connector.name);
    add(key.mint_key);
    for (const oci::Scope& scope : key.scopes) {
      add(scope.repository);
      add(scope.actions.ToString());
    }
    by_text.emplace(text, key);
    seen.insert(key);
    cache.Put(key, Token(text, seconds(300)), kNow, kNoJitter);
  }

  EXPECT_EQ(seen.size(), by_text.size());
  for (const auto& [text, key] : by_text) {
    ASSERT_EQ(cache.Find(key, kNow).token->value.Reveal(), text);
  }
}

}  // namespace
}  // namespace connector::broker::upstream_auth
