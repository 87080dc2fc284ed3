#include "broker/callers/kubernetes/review_cache.h"

#include "tests/support/fake_clock.h"
#include "tests/support/result_matchers.h"

#include <gtest/gtest.h>

namespace connector::broker::callers {
namespace {

using namespace std::chrono_literals;
using Cache = ReviewCache<std::string>;

constexpr WallTime kNow = testing_support::FakeClock::kStart;

Error Refusal() {
  return MakeError(ErrorCode::kUnauthenticated, ErrorOrigin::kClient, "no");
}

void Learn(Cache& cache, const std::string& key, Result<std::string> answer, Cache::Life life) {
  ASSERT_TRUE(cache.Join(key, kNow - 1h).start);  // Before any answer's life.
  cache.Land(key, std::move(answer), life);
}

TEST(ReviewCache, GivesAnAnswerFromItsBeginningToItsEndAndNoLonger) {
  Cache cache;
  Learn(cache, "k", std::string("yes"), {kNow, kNow + 10s, true});

  EXPECT_EQ(**cache.Find("k", kNow), "yes");
  EXPECT_TRUE(cache.Find("k", kNow + 9999ms));
  EXPECT_FALSE(cache.Find("k", kNow + 10s));
  EXPECT_FALSE(cache.Find("k", kNow - 1s));  // The clock was set back.
}

TEST(ReviewCache, KeepsARefusalToo) {
  Cache cache;
  Learn(cache, "k", Refusal(), {kNow, kNow + 5s, false});

  EXPECT_EQ(cache.Find("k", kNow)->error(), Refusal());
  EXPECT_FALSE(cache.Find("k", kNow + 5s));
}

TEST(ReviewCache, KeepsNothingWithoutALife) {
  Cache cache;
  ASSERT_TRUE(cache.Join("k", kNow).start);
  cache.Land("k", std::string("yes"), std::nullopt);

  EXPECT_FALSE(cache.Find("k", kNow));
}

TEST(ReviewCache, LetsOneStartAndTheOthersJoin) {
  Cache cache;
  const auto first = cache.Join("k", kNow);
  const auto second = cache.Join("k", kNow);

  EXPECT_TRUE(first.start);
  EXPECT_FALSE(second.start);
  EXPECT_EQ(first.flight, second.flight);
  EXPECT_TRUE(cache.Join("other", kNow).start);
  cache.Land("k", std::string("yes"), std::nullopt);
  EXPECT_TRUE(cache.Join("k", kNow).start);
}

TEST(ReviewCache, AsksNotAgainForWhatLandedSinceItWasLookedFor) {
  Cache cache;
  ASSERT_FALSE(cache.Find("k", kNow));
  Learn(cache, "k", std::string("yes"), {kNow, kNow + 10s, true});

  EXPECT_FALSE(cache.Join("k", kNow).start);
  EXPECT_TRUE(cache.Join("k", kNow + 10s).start);
}

TEST(ReviewCache, LetsAFloodOfRefusalsDriveOutNothingGood) {
  Cache cache(2, 3);
  Learn(cache, "good", std::string("yes"), {kNow, kNow + 10s, true});
  for (int i = 0; i < 100; ++i) {
    Learn(cache, "bad" + std::to_string(i), Refusal(), {kNow, kNow + 5s, false});
  }

  EXPECT_TRUE(cache.Find("good", kNow));
  EXPECT_EQ(cache.size(), 4U);
  EXPECT_FALSE(cache.Find("bad0", kNow));
  EXPECT_TRUE(cache.Find("bad99", kNow));
}

TEST(ReviewCache, LetsARefusalEndAnOlderYes) {
  Cache cache;
  Learn(cache, "k", std::string("yes"), {kNow, kNow + 10s, true});
  Learn(cache, "k", Refusal(), {kNow + 2s, kNow + 3s, false});

  EXPECT_FALSE((*cache.Find("k", kNow + 2s)).has_value());
  EXPECT_FALSE(cache.Find("k", kNow + 4s));
}

}  // namespace
}  // namespace connector::broker::callers
