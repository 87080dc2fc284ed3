#include "common/render/volume.h"
#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::render {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using testing_support::HasErrorMessage;
using testing_support::HasValue;

TEST(ParseConfigurationNames, DividesAtCommasAndDropsSpaces) {
  EXPECT_THAT(ParseConfigurationNames(" dockerd, !daemon.json ,env"),
              HasValue(ElementsAre("dockerd", "!daemon.json", "env")));
}

TEST(ParseConfigurationNames, IsEmptyWithoutAName) {
  EXPECT_THAT(ParseConfigurationNames(" \n"), HasValue(IsEmpty()));
}

TEST(ParseConfigurationNames, RefusesWhatNamesNothingOrTwice) {
  for (const char* text : {",", "a,", "a,,b", "!"}) {
    EXPECT_THAT(ParseConfigurationNames(text),
                HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("empty entry")));
  }
  EXPECT_THAT(ParseConfigurationNames("a,b,a"),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("twice")));
  std::string many = "n0";
  for (int i = 1; i <= 64; ++i) {
    many += ",n" + std::to_string(i);
  }
  EXPECT_THAT(ParseConfigurationNames(many),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("more than 64")));
}

TEST(ParseParams, WritesEveryScalarAsTextAndFalseAsNothing) {
  EXPECT_THAT(
      ParseParams(
          R"({"text": "a", "whole": 3, "part": 1.5, "yes": true, "no": false, "n": "false"})"),
      HasValue(ElementsAre(Pair("n", ""),
                           Pair("no", ""),
                           Pair("part", "1.5E0"),
                           Pair("text", "a"),
                           Pair("whole", "3"),
                           Pair("yes", "true"))));
}

TEST(ParseParams, IsEmptyWithoutText) {
  EXPECT_THAT(ParseParams(""), HasValue(IsEmpty()));
}

TEST(ParseParams, RefusesWhatIsNoObjectOfScalars) {
  for (const char* text : {"[]", "{", "{\"a\": 1} x", "\"a\"", "{a: 1}"}) {
    EXPECT_THAT(ParseParams(text),
                HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("is not a JSON object")));
  }
  for (const char* text : {R"({"a": []})", R"({"a": {}})", R"({"a": null})"}) {
    EXPECT_THAT(ParseParams(text),
                HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("a is a list, an object")));
  }
}

TEST(ParseParams, RefusesWhatIsTooLarge) {
  EXPECT_THAT(ParseParams("{\"a\": \"" + std::string(4097, 'x') + "\"}"),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("more than 4096")));
  std::string many = "{\"n0\": 1";
  for (int i = 1; i <= 64; ++i) {
    many += ", \"n" + std::to_string(i) + "\": 1";
  }
  EXPECT_THAT(ParseParams(many + "}"),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("more than 64")));
}

}  // namespace
}  // namespace connector::render
