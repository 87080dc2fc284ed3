#include "dataplane/relay/rate_floor.h"

#include <gtest/gtest.h>

namespace connector::dataplane::relay {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(ARateFloor, EndsAClientThatTakesLessInAWindowOfWaiting) {
  RateFloor floor(1024, seconds(60));
  floor.Moved(60 * 1024 - 1);

  EXPECT_TRUE(floor.Waited(milliseconds(59'999)));
  EXPECT_FALSE(floor.Waited(milliseconds(1)));
}

TEST(ARateFloor, KeepsAClientThatTakesEnough) {
  RateFloor floor(1024, seconds(60));
  floor.Moved(60 * 1024);

  EXPECT_TRUE(floor.Waited(seconds(60)));
}

TEST(ARateFloor, JudgesEachWindowByItself) {
  RateFloor floor(1024, seconds(60));
  floor.Moved(1024 * 1024);

  EXPECT_TRUE(floor.Waited(seconds(60)));
  EXPECT_FALSE(floor.Waited(seconds(60)));
}

TEST(ARateFloor, SaysWhenItJudges) {
  RateFloor floor(1024, seconds(60));
  EXPECT_TRUE(floor.Waited(milliseconds(59'000)));

  EXPECT_EQ(floor.Left(), milliseconds(1000));
}

TEST(ARateFloor, OfNothingEndsNobody) {
  RateFloor floor(0, seconds(60));

  EXPECT_TRUE(floor.Waited(seconds(60)));
}

}  // namespace
}  // namespace connector::dataplane::relay
