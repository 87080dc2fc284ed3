#include "broker/callers/key_cache.h"

#include "tests/contract/broker/callers/token_forge.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

namespace connector::broker::callers {

inline void PrintTo(KeyStep step, std::ostream* os) {
  constexpr const char* kNames[] = {"use", "use and refresh", "refresh", "wait", "fail"};
  *os << kNames[static_cast<int>(step)];
}

namespace {

using namespace std::chrono_literals;

WallTime At(std::chrono::seconds since) {
  return WallTime{1'800'000'000s + since};
}

jose::JwkSet SomeKeys() {
  return *jose::ParseJwkSet(
      testing_support::Jwks({testing_support::SigningKey::Ec().PublicJwk("k")}));
}

// Keys fetched at 0 s.
KeyCache Fetched() {
  KeyCache cache;
  cache.BeginRefresh(At(0s));
  cache.EndRefresh(SomeKeys(), At(0s));
  return cache;
}

TEST(KeyCache, FetchesBeforeItsFirstUse) {
  EXPECT_EQ(KeyCache().ForUse(At(0s)), KeyStep::kRefresh);
  EXPECT_FALSE(KeyCache().Usable(At(0s)));
}

TEST(KeyCache, AgesInFourSteps) {
  const KeyCache cache = Fetched();

  EXPECT_EQ(cache.ForUse(At(5min - 1s)), KeyStep::kUse);
  EXPECT_EQ(cache.ForUse(At(5min)), KeyStep::kUseAndRefresh);
  EXPECT_EQ(cache.ForUse(At(1h - 1s)), KeyStep::kUseAndRefresh);
  EXPECT_EQ(cache.ForUse(At(1h)), KeyStep::kRefresh);
  EXPECT_TRUE(cache.Usable(At(24h - 1s)));
  EXPECT_FALSE(cache.Usable(At(24h)));
}

TEST(KeyCache, WaitsForARefreshUnderWayOnlyWhenItMust) {
  KeyCache cache = Fetched();
  cache.BeginRefresh(At(6min));
  EXPECT_EQ(cache.ForUse(At(6min)), KeyStep::kUse);
  EXPECT_EQ(cache.ForUse(At(1h)), KeyStep::kWait);
  EXPECT_EQ(cache.ForUnknownKey(At(6min)), KeyStep::kWait);

  KeyCache empty;
  empty.BeginRefresh(At(0s));
  EXPECT_EQ(empty.ForUse(At(0s)), KeyStep::kWait);
}

TEST(KeyCache, AsksAgainAtMostEveryTenSeconds) {
  KeyCache cache = Fetched();
  EXPECT_EQ(cache.ForUnknownKey(At(9s)), KeyStep::kFail);
  EXPECT_EQ(cache.ForUnknownKey(At(10s)), KeyStep::kRefresh);

  cache.BeginRefresh(At(2h));
  cache.EndRefresh(std::nullopt, At(2h));
  EXPECT_EQ(cache.ForUse(At(2h + 9s)), KeyStep::kUse) << "old keys, until 24 h";
  EXPECT_EQ(cache.ForUse(At(2h + 10s)), KeyStep::kRefresh);

  KeyCache empty;
  empty.BeginRefresh(At(0s));
  empty.EndRefresh(std::nullopt, At(0s));
  EXPECT_EQ(empty.ForUse(At(9s)), KeyStep::kFail);
  EXPECT_EQ(empty.ForUse(At(10s)), KeyStep::kRefresh);
}

TEST(KeyCache, KeepsOldKeysAndTheirAgeWhenARefreshFails) {
  KeyCache cache = Fetched();
  const auto generation = cache.generation();

  cache.BeginRefresh(At(23h));
  cache.EndRefresh(std::nullopt, At(23h));

  EXPECT_TRUE(cache.last_refresh_failed());
  EXPECT_EQ(cache.generation(), generation);
  EXPECT_TRUE(cache.Usable(At(24h - 1s)));
  EXPECT_FALSE(cache.Usable(At(24h)));
  EXPECT_EQ(cache.ForUse(At(24h)), KeyStep::kRefresh);
}

TEST(KeyCache, BecomesYoungByARefresh) {
  KeyCache cache = Fetched();
  const auto generation = cache.generation();

  cache.BeginRefresh(At(30h));
  cache.EndRefresh(SomeKeys(), At(30h));

  EXPECT_FALSE(cache.last_refresh_failed());
  EXPECT_NE(cache.generation(), generation);
  EXPECT_EQ(cache.ForUse(At(30h + 5min - 1s)), KeyStep::kUse);
}

TEST(KeyCache, AsksAnewWhenTheClockWasSetBack) {
  const KeyCache cache = Fetched();

  EXPECT_EQ(cache.ForUse(At(-1s)), KeyStep::kRefresh);
  EXPECT_TRUE(cache.Usable(At(-1s)));
}

}  // namespace
}  // namespace connector::broker::callers
