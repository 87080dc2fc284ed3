#include "common/resilience/expiring_cache.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>

namespace connector::resilience {
namespace {

using std::chrono::seconds;
using CacheTime = std::chrono::system_clock::time_point;
using Cache = ExpiringCache<std::string, int, CacheTime>;

constexpr CacheTime kCacheStart{seconds(1'000'000)};

class ExpiringCacheTest : public ::testing::Test {
 protected:
  void PutUntil(const std::string& key, int value, CacheTime until) {
    cache_.Put(key, value, {kCacheStart, until});
  }
  bool Has(const std::string& key, CacheTime now = kCacheStart) {
    return cache_.Find(key, now) != nullptr;
  }

  Cache cache_{3};
};

TEST_F(ExpiringCacheTest, FindsWhatIsInItsTime) {
  PutUntil("a", 1, kCacheStart + seconds(10));

  ASSERT_TRUE(Has("a"));
  EXPECT_EQ(*cache_.Find("a", kCacheStart), 1);
  EXPECT_TRUE(Has("a", kCacheStart + seconds(9)));
  EXPECT_FALSE(Has("a", kCacheStart + seconds(10)));
  EXPECT_FALSE(Has("b"));
}

TEST_F(ExpiringCacheTest, FindsNothingBeforeItsTime) {
  PutUntil("a", 1, kCacheStart + seconds(10));
  EXPECT_FALSE(Has("a", kCacheStart - seconds(1))) << "the clock was set back";
}

TEST_F(ExpiringCacheTest, KeepsTheNewerOfTwoValues) {
  PutUntil("a", 1, kCacheStart + seconds(10));
  PutUntil("a", 2, kCacheStart + seconds(5));

  EXPECT_EQ(*cache_.Find("a", kCacheStart), 2);
  EXPECT_FALSE(Has("a", kCacheStart + seconds(5)));
  EXPECT_EQ(cache_.size(), 1U);
}

TEST_F(ExpiringCacheTest, DropsWhatEndsFirstWhenItIsFull) {
  PutUntil("long", 1, kCacheStart + seconds(30));
  PutUntil("short", 2, kCacheStart + seconds(10));
  PutUntil("middle", 3, kCacheStart + seconds(20));

  PutUntil("new", 4, kCacheStart + seconds(1));

  EXPECT_EQ(cache_.size(), 3U);
  EXPECT_FALSE(Has("short"));
  EXPECT_TRUE(Has("long") && Has("middle") && Has("new"));
}

TEST_F(ExpiringCacheTest, DropsNothingForAKeyThatIsThere) {
  PutUntil("a", 1, kCacheStart + seconds(10));
  PutUntil("b", 2, kCacheStart + seconds(20));
  PutUntil("c", 3, kCacheStart + seconds(30));

  PutUntil("c", 4, kCacheStart + seconds(40));

  EXPECT_TRUE(Has("a") && Has("b") && Has("c"));
}

TEST_F(ExpiringCacheTest, ForgetsWhatIsErased) {
  PutUntil("a", 1, kCacheStart + seconds(10));
  PutUntil("b", 2, kCacheStart + seconds(10));

  cache_.Erase("a");
  cache_.Erase("never there");

  EXPECT_FALSE(Has("a"));
  EXPECT_TRUE(Has("b"));
  cache_.Clear();
  EXPECT_EQ(cache_.size(), 0U);
}

TEST_F(ExpiringCacheTest, ChangesAnEntryWhateverTheTime) {
  PutUntil("a", 1, kCacheStart + seconds(10));

  *cache_.FindAny("a") = 5;

  EXPECT_EQ(*cache_.Find("a", kCacheStart), 5);
  EXPECT_EQ(cache_.FindAny("b"), nullptr);
}

TEST_F(ExpiringCacheTest, MovesWithItsOrder) {
  PutUntil("a", 1, kCacheStart + seconds(10));
  PutUntil("b", 2, kCacheStart + seconds(20));
  Cache moved = std::move(cache_);
  moved.Put("c", 3, {kCacheStart, kCacheStart + seconds(30)});

  moved.Put("d", 4, {kCacheStart, kCacheStart + seconds(40)});

  EXPECT_EQ(moved.Find("a", kCacheStart), nullptr);
  EXPECT_NE(moved.Find("b", kCacheStart), nullptr);
}

}  // namespace
}  // namespace connector::resilience
