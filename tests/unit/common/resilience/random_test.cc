#include "common/resilience/random.h"

#include <gtest/gtest.h>

#include <set>

namespace connector::resilience {
namespace {

TEST(RandomFraction, IsFromZeroToBelowOneAndNotAlwaysTheSame) {
  std::set<double> seen;
  for (int i = 0; i < 1000; ++i) {
    const double fraction = RandomFraction();
    ASSERT_GE(fraction, 0.0);
    ASSERT_LT(fraction, 1.0);
    seen.insert(fraction);
  }
  EXPECT_GT(seen.size(), 900U);
}

}  // namespace
}  // namespace connector::resilience
