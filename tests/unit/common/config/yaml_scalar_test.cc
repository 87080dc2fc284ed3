#include "common/config/yaml_scalar.h"

#include "tests/support/cpp/result_matchers.h"

#include <gtest/gtest.h>

namespace connector::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using testing_support::HasError;
using testing_support::HasValue;

TEST(IsAmbiguousPlain, NamesWhatYamlReadersDisagreeAbout) {
  for (const char* text : {"",    "~",   "null", "Null", "true",  "FALSE", "yes",   "No",   "on",
                           "OFF", "0",   "12",   "-1",   "+1",    "0123",  "0x1F",  "0o17", "1.5",
                           ".5",  "1e3", "-1.",  ".inf", "-.INF", ".NaN",  "1_000", "1e999"}) {
    EXPECT_TRUE(IsAmbiguousPlain(text)) << text;
  }
  for (const char* text : {"a",
                           "v1",
                           "1.2.3",
                           "10.0.0.1",
                           "1a",
                           "-",
                           "+",
                           ".",
                           "1-2",
                           "nulls",
                           "0xyz",
                           "127.0.0.1:80",
                           "e3",
                           "-a",
                           "infinity",
                           "nan"}) {
    EXPECT_FALSE(IsAmbiguousPlain(text)) << text;
  }
}

TEST(ParseDuration, AddsUpItsUnits) {
  EXPECT_THAT(ParseDuration("5s"), HasValue(nanoseconds(seconds(5))));
  EXPECT_THAT(ParseDuration("250ms"), HasValue(nanoseconds(milliseconds(250))));
  EXPECT_THAT(ParseDuration("1m30s"), HasValue(nanoseconds(seconds(90))));
  EXPECT_THAT(ParseDuration("24h1m"), HasValue(nanoseconds(hours(24) + minutes(1))));
  EXPECT_THAT(ParseDuration("7us8ns"), HasValue(nanoseconds(7008)));
  EXPECT_THAT(ParseDuration("0s"), HasValue(nanoseconds(0)));
}

TEST(ParseDuration, RefusesEverythingElse) {
  for (const char* text : {"",
                           "5",
                           "s",
                           "5 s",
                           "-5s",
                           "1.5s",
                           "5S",
                           "5d",
                           "30s1m",
                           "1s1s",
                           "5s ",
                           "5sec",
                           "9223372036854775807h",
                           "99999999999999999999s",
                           "2562048h"}) {
    EXPECT_THAT(ParseDuration(text), HasError(ErrorCode::kInvalidArgument)) << text;
  }
}

TEST(ParseDuration, RefusesASumThatOverflows) {
  EXPECT_THAT(ParseDuration("2562047h47m16s854ms775us807ns"),
              HasValue(nanoseconds(std::numeric_limits<std::int64_t>::max())));
  EXPECT_THAT(ParseDuration("2562047h47m16s854ms775us808ns"),
              HasError(ErrorCode::kInvalidArgument));
}

TEST(ParseInteger, KeepsItsRange) {
  EXPECT_THAT(ParseInteger("0", 0, 9), HasValue(0));
  EXPECT_THAT(ParseInteger("-9", -9, 9), HasValue(-9));
  for (const char* text : {"", "10", "-1", "+1", "1.0", "1e0", "0x1", " 1", "1 ", "a"}) {
    EXPECT_THAT(ParseInteger(text, 0, 9), HasError(ErrorCode::kInvalidArgument)) << text;
  }
}

TEST(ParseBool, KnowsTwoWords) {
  EXPECT_THAT(ParseBool("true"), HasValue(true));
  EXPECT_THAT(ParseBool("false"), HasValue(false));
  EXPECT_THAT(ParseBool("True"), HasError(ErrorCode::kInvalidArgument));
  EXPECT_THAT(ParseBool("yes"), HasError(ErrorCode::kInvalidArgument));
}

TEST(Nearest, FindsATypingMistakeButNoOtherWord) {
  EXPECT_EQ(Nearest("adress", {"address", "access"}), "address");
  EXPECT_EQ(Nearest("caCertSecretref", {"caCertSecretRef"}), "caCertSecretRef");
  EXPECT_EQ(Nearest("tokens", {"address", "access"}), "");
  EXPECT_EQ(Nearest("", {"a"}), "a");
}

}  // namespace
}  // namespace connector::config
