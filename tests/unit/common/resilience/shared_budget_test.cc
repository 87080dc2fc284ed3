#include "common/resilience/shared_budget.h"

#include <gtest/gtest.h>

#include <string>

namespace connector::resilience {
namespace {

using Budget = SharedBudget<std::string>;
using Share = BudgetShare<Budget, std::string>;

// How many one holder gets until it is refused.
int TakeAll(Budget& budget, const std::string& holder) {
  int count = 0;
  while (budget.Take(holder) == Budget::Answer::kTaken) {
    ++count;
  }
  return count;
}

TEST(ASharedBudget, GivesOneHolderNoMoreThanIsStillFree) {
  Budget budget(100);

  EXPECT_EQ(TakeAll(budget, "a"), 50);
  EXPECT_EQ(budget.Take("a"), Budget::Answer::kHolderFull);
  EXPECT_EQ(TakeAll(budget, "b"), 25);
  EXPECT_EQ(budget.Take("c"), Budget::Answer::kTaken);
}

TEST(ASharedBudget, GivesOneHolderItsWeightTimesWhatIsFree) {
  Budget budget(100, 0, 3);

  EXPECT_EQ(TakeAll(budget, "a"), 75);
  EXPECT_EQ(budget.Take("b"), Budget::Answer::kTaken);
}

TEST(ASharedBudget, GivesTheLastOneToWhoHasNone) {
  Budget budget(1);

  EXPECT_EQ(budget.Take("a"), Budget::Answer::kTaken);
  EXPECT_EQ(budget.Take("b"), Budget::Answer::kFull);
}

TEST(ASharedBudget, GivesAsMuchAsIsConfigured) {
  Budget budget(100, 90);

  EXPECT_EQ(TakeAll(budget, "a"), 90);
  EXPECT_EQ(TakeAll(budget, "b"), 10);
  EXPECT_EQ(budget.Take("b"), Budget::Answer::kFull);
}

TEST(ASharedBudget, ForgetsAHolderThatGaveAllBack) {
  Budget budget(100);
  EXPECT_EQ(budget.Take("a", 2), Budget::Answer::kTaken);
  budget.TakeInPlace("a");

  budget.GiveBack("a", 3);

  EXPECT_EQ(budget.taken(), 0U);
  EXPECT_EQ(budget.holders(), 0U);
}

TEST(AShareOfABudget, IsTakenOnceAndGivenBackAtItsEnd) {
  Budget budget(100);
  {
    Share share;
    EXPECT_TRUE(share.Take(budget, "a"));
    EXPECT_TRUE(share.Take(budget, "a"));
    EXPECT_EQ(budget.taken(), 1U);
  }

  EXPECT_EQ(budget.taken(), 0U);
}

}  // namespace
}  // namespace connector::resilience
