#include "cli/values.h"

#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace connector::cli {
namespace {

using testing_support::HasError;
using testing_support::HasErrorMessage;
using testing_support::HasValue;

TEST(ParseDuration, ReadsSecondsMinutesHoursAndDays) {
  EXPECT_THAT(ParseDuration("90"), HasValue(std::chrono::seconds(90)));
  EXPECT_THAT(ParseDuration("90s"), HasValue(std::chrono::seconds(90)));
  EXPECT_THAT(ParseDuration("15m"), HasValue(std::chrono::minutes(15)));
  EXPECT_THAT(ParseDuration("1h"), HasValue(std::chrono::hours(1)));
  EXPECT_THAT(ParseDuration("7d"), HasValue(std::chrono::hours(7 * 24)));
}

TEST(ParseDuration, RefusesWhatIsNoTimeAhead) {
  for (const char* text :
       {"", "0", "0s", "-1h", "h", "1w", "1 h", "1.5h", "3651d", "1h30m", "99999999999999999999"}) {
    EXPECT_THAT(ParseDuration(text), HasError(ErrorCode::kInvalidArgument)) << text;
  }
  EXPECT_THAT(ParseDuration("3650d"), HasValue(std::chrono::hours(3650 * 24)));
}

TEST(ParsePair, ReadsANamespaceAndAName) {
  EXPECT_THAT(ParsePair("team-a/harbor1", "--connector"),
              HasValue(ConnectorRef{"team-a", "harbor1"}));
}

TEST(ParsePair, RefusesWhatIsNotTwoLabels) {
  for (const std::string text :
       {"", "a", "/a", "a/", "a/b/c", "A/b", "a/b_c", "-a/b", "a/b-", "a/b c"}) {
    EXPECT_THAT(ParsePair(text, "CONNECTOR"),
                HasErrorMessage(ErrorCode::kInvalidArgument,
                                "CONNECTOR must be NAMESPACE/NAME, for example default/harbor"))
        << text;
  }
  EXPECT_THAT(ParsePair("a/" + std::string(63, 'b'), "x"),
              HasValue(ConnectorRef{"a", std::string(63, 'b')}));
  EXPECT_THAT(ParsePair("a/" + std::string(64, 'b'), "x"), HasError(ErrorCode::kInvalidArgument));
}

}  // namespace
}  // namespace connector::cli
