#include "common/base/secret.h"

#include "common/base/locked_arena.h"
#include "common/base/secret_place.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace connector {
namespace {

template <typename T>
concept Printable = requires(std::ostream& os, const T& value) {
  os << value;
};

static_assert(!Printable<Secret>, "a Secret must not compile into a log line");
static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);
static_assert(!std::is_convertible_v<Secret, std::string>);

TEST(Secret, MovingLeavesNothingBehind) {
  Secret first("hunter2");
  const Secret second = std::move(first);

  EXPECT_EQ(second.Reveal(), "hunter2");
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): that it is empty is the promise.
}

TEST(Secret, JoinsItsPartsInOrder) {
  EXPECT_EQ(Secret("Bearer ", "abc", "\r\n").Reveal(), "Bearer abc\r\n");
}

TEST(Secret, WipesItsBytesWhenItDies) {
  const char* where = nullptr;
  {
    const Secret secret("a canary that must not stay");
    where = secret.Reveal().data();
  }
  // The arena stays mapped, so reading freed arena memory is defined; heap fallbacks are not read.
  ASSERT_NE(LockedArenaStats().kind, ArenaKind::kHeap);
  EXPECT_EQ(std::string(where, 8), std::string(8, '\0'));
}

TEST(Secret, GivesItsMemoryBack) {
  const std::size_t before = LockedArenaStats().used_bytes;
  {
    Secret a("one");
    Secret b("two");
    Secret c("three");
    b = std::move(c);
    EXPECT_GT(LockedArenaStats().used_bytes, before);
  }
  EXPECT_EQ(LockedArenaStats().used_bytes, before);
}

TEST(Secret, FallsBackToTheHeapWhenTheArenaIsFullAndCountsIt) {
  const std::size_t before = LockedArenaStats().heap_fallbacks;
  const Secret huge(std::string(4 * 1024 * 1024, 'x'));

  EXPECT_EQ(huge.Reveal().size(), 4U * 1024 * 1024);
  EXPECT_EQ(LockedArenaStats().heap_fallbacks, before + 1);
}

TEST(AForeignSecret, LeavesTheArenaAlone) {
  const ArenaStats before = LockedArenaStats();
  const Secret body = ForeignSecret(std::string(16 * 1024, 'x'));  // It would fit.

  EXPECT_EQ(body.Reveal().size(), 16U * 1024);
  EXPECT_EQ(LockedArenaStats().used_bytes, before.used_bytes);
  EXPECT_EQ(LockedArenaStats().heap_fallbacks, before.heap_fallbacks);
  EXPECT_EQ(CurrentArenaUse(), ArenaUse::kStored) << "what comes next is a stored secret";
}

TEST(ATokenSecret, LeavesAPartOfTheArenaToStoredSecretsHoweverManyThereAre) {
  const ArenaStats before = LockedArenaStats();
  const std::size_t fallbacks = TokenFallbacks();
  std::vector<Secret> tokens;
  while (tokens.size() < 1000 && TokenFallbacks() == fallbacks) {
    tokens.push_back(TokenSecret("Bearer ", std::string(16 * 1024, 't'), "\r\n"));
  }
  const Secret stored(std::string(128 * 1024, 's'));

  EXPECT_GE(LockedArenaStats().used_bytes, LockedArenaStats().capacity_bytes / 2);
  EXPECT_EQ(TokenFallbacks(), fallbacks + 1);
  EXPECT_EQ(LockedArenaStats().heap_fallbacks, before.heap_fallbacks);
  EXPECT_EQ(tokens.back().Reveal().substr(0, 8), "Bearer t");
}

}  // namespace
}  // namespace connector
