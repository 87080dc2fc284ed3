#include "common/resilience/retry_after.h"

#include <gtest/gtest.h>

namespace connector::resilience {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::int64_t kRetryAfterNow = 1'445'412'480;  // Wed, 21 Oct 2015 07:28:00 GMT
constexpr RetryAfterOptions kSeconds{.longest = seconds(60)};
constexpr RetryAfterOptions kDates{.longest = seconds(3600), .now_unix = kRetryAfterNow};

TEST(ReadRetryAfter, ReadsSeconds) {
  EXPECT_EQ(ReadRetryAfter("7", kSeconds), seconds(7));
  EXPECT_EQ(ReadRetryAfter("0", kSeconds), seconds(0));
}

TEST(ReadRetryAfter, IsBounded) {
  EXPECT_EQ(ReadRetryAfter("86400", kSeconds), seconds(60));
  EXPECT_EQ(ReadRetryAfter("99999999999999999999999", kSeconds), seconds(60));
  EXPECT_EQ(ReadRetryAfter("Wed, 21 Oct 2016 07:28:00 GMT", kDates), seconds(3600));
}

TEST(ReadRetryAfter, ReadsNothingElse) {
  for (const char* text : {"", "soon", "-1", "7s", " 7", "1.5", "99999999999999x"}) {
    EXPECT_EQ(ReadRetryAfter(text, kSeconds), std::nullopt) << text;
    EXPECT_EQ(ReadRetryAfter(text, kDates), std::nullopt) << text;
  }
}

TEST(ReadRetryAfter, ReadsADateOnlyWhereItIsToldTheTime) {
  EXPECT_EQ(ReadRetryAfter("Wed, 21 Oct 2015 07:28:30 GMT", kDates), seconds(30));
  EXPECT_EQ(ReadRetryAfter("Wed, 21 Oct 2015 07:28:30 GMT", kSeconds), std::nullopt);
}

TEST(ReadRetryAfter, TakesADateThatIsOverForNoWait) {
  EXPECT_EQ(ReadRetryAfter("Wed, 21 Oct 2015 07:27:00 GMT", kDates), seconds(0));
}

TEST(SpreadAfter, IsNeverSoonerThanAsked) {
  EXPECT_EQ(SpreadAfter(milliseconds(1000), 0), milliseconds(1000));
  EXPECT_EQ(SpreadAfter(milliseconds(1000), 0.999), milliseconds(1499));
}

}  // namespace
}  // namespace connector::resilience
