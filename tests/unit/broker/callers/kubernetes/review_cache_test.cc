#include "broker/callers/kubernetes/review_cache.h"

#include "tests/support/cpp/fake_clock.h"
#include "tests/support/cpp/result_matchers.h"

#include <gtest/gtest.h>

namespace connector::broker::callers {
namespace {

using namespace std::chrono_literals;
using Cache = ReviewCache<std::string>;

constexpr WallTime kReviewedAt = testing_support::FakeClock::kStart;

Error Refusal() {
  return MakeError(ErrorCode::kUnauthenticated, ErrorOrigin::kClient, "no");
}

void Learn(Cache& cache,
           const std::string& key,
           Result<std::string> answer,
           Cache::Lifetime lifetime) {
  ASSERT_TRUE(cache.Join(key, kReviewedAt - 1h).start);  // Before any answer's lifetime.
  cache.Complete(key, std::move(answer), lifetime);
}

TEST(ReviewCache, GivesAnAnswerFromItsBeginningToItsEndAndNoLonger) {
  Cache cache;
  Learn(cache, "k", std::string("yes"), {kReviewedAt, kReviewedAt + 10s, true});

  EXPECT_EQ(**cache.Find("k", kReviewedAt), "yes");
  EXPECT_TRUE(cache.Find("k", kReviewedAt + 9999ms));
  EXPECT_FALSE(cache.Find("k", kReviewedAt + 10s));
  EXPECT_FALSE(cache.Find("k", kReviewedAt - 1s));  // The clock was set back.
}

TEST(ReviewCache, KeepsARefusalToo) {
  Cache cache;
  Learn(cache, "k", Refusal(), {kReviewedAt, kReviewedAt + 5s, false});

  EXPECT_EQ(cache.Find("k", kReviewedAt)->error(), Refusal());
  EXPECT_FALSE(cache.Find("k", kReviewedAt + 5s));
}

TEST(ReviewCache, KeepsNothingWithoutALifetime) {
  Cache cache;
  ASSERT_TRUE(cache.Join("k", kReviewedAt).start);
  cache.Complete("k", std::string("yes"), std::nullopt);

  EXPECT_FALSE(cache.Find("k", kReviewedAt));
}

TEST(ReviewCache, LetsOneStartAndTheOthersJoin) {
  Cache cache;
  const auto first = cache.Join("k", kReviewedAt);
  const auto second = cache.Join("k", kReviewedAt);

  EXPECT_TRUE(first.start);
  EXPECT_FALSE(second.start);
  EXPECT_EQ(first.call, second.call);
  EXPECT_TRUE(cache.Join("other", kReviewedAt).start);
  cache.Complete("k", std::string("yes"), std::nullopt);
  EXPECT_TRUE(cache.Join("k", kReviewedAt).start);
}

TEST(ReviewCache, AsksNotAgainForWhatEndedSinceItWasLookedFor) {
  Cache cache;
  ASSERT_FALSE(cache.Find("k", kReviewedAt));
  Learn(cache, "k", std::string("yes"), {kReviewedAt, kReviewedAt + 10s, true});

  EXPECT_FALSE(cache.Join("k", kReviewedAt).start);
  EXPECT_TRUE(cache.Join("k", kReviewedAt + 10s).start);
}

TEST(ReviewCache, LetsAFloodOfRefusalsDriveOutNothingGood) {
  Cache cache(2, 3);
  Learn(cache, "good", std::string("yes"), {kReviewedAt, kReviewedAt + 10s, true});
  for (int i = 0; i < 100; ++i) {
    Learn(cache, "bad" + std::to_string(i), Refusal(), {kReviewedAt, kReviewedAt + 5s, false});
  }

  EXPECT_TRUE(cache.Find("good", kReviewedAt));
  EXPECT_FALSE(cache.Find("bad96", kReviewedAt)) << "three are kept";
  EXPECT_TRUE(cache.Find("bad97", kReviewedAt));
  EXPECT_TRUE(cache.Find("bad99", kReviewedAt));
}

TEST(ReviewCache, LetsARefusalEndAnOlderYes) {
  Cache cache;
  Learn(cache, "k", std::string("yes"), {kReviewedAt, kReviewedAt + 10s, true});
  Learn(cache, "k", Refusal(), {kReviewedAt + 2s, kReviewedAt + 3s, false});

  EXPECT_FALSE((*cache.Find("k", kReviewedAt + 2s)).has_value());
  EXPECT_FALSE(cache.Find("k", kReviewedAt + 4s));
}

}  // namespace
}  // namespace connector::broker::callers
