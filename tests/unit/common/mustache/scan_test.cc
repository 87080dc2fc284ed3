#include "common/mustache/scan.h"

#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace connector::mustache {

// NOLINTNEXTLINE(readability-identifier-naming): gtest's name.
void PrintTo(const Piece& piece, std::ostream* os) {
  *os << static_cast<int>(piece.kind) << " \"" << piece.text << "\" line " << piece.line;
}

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing_support::HasErrorMessage;
using testing_support::HasValue;
using Kind = Piece::Kind;
using namespace std::string_literals;

TEST(Scan, DividesTextAndTagsAndKnowsTheirLines) {
  EXPECT_THAT(Scan("a\n{{ b }}{{#c.d}}\n{{^e}}{{/e}}{{! why }}{{/c.d}}"),
              HasValue(ElementsAre(Piece{Kind::kText, "a\n", 1},
                                   Piece{Kind::kVariable, "b", 2},
                                   Piece{Kind::kSection, "c.d", 2},
                                   Piece{Kind::kText, "\n", 2},
                                   Piece{Kind::kInverted, "e", 3},
                                   Piece{Kind::kEnd, "e", 3},
                                   Piece{Kind::kComment, "! why", 3},
                                   Piece{Kind::kEnd, "c.d", 3})));
}

TEST(Scan, LeavesBracesOfOtherLanguages) {
  EXPECT_THAT(Scan("{\"a\": {}} }}"),
              HasValue(ElementsAre(Piece{Kind::kText, "{\"a\": {}} }}", 1})));
}

struct Refused {
  std::string_view name;
  std::string text;
  std::string_view reason;

  friend void PrintTo(const Refused& row, std::ostream* os) { *os << row.name; }
};

std::string Nested(int depth) {
  std::string text;
  for (int i = 0; i < depth; ++i) {
    text.insert(0, "{{#a}}").append("{{/a}}");
  }
  return text;
}

std::string Many(int tags) {
  std::string text;
  for (int i = 0; i < tags; ++i) {
    text += "{{a}}.";
  }
  return text;
}

class ScanRefuses : public ::testing::TestWithParam<Refused> {};

TEST_P(ScanRefuses, WithTheReason) {
  EXPECT_THAT(
      Scan(GetParam().text),
      HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr(std::string(GetParam().reason))));
}

INSTANTIATE_TEST_SUITE_P(
    Wrong,
    ScanRefuses,
    ::testing::Values(
        Refused{"ThreeBraces", "\n{{{a}}}", "line 2: {{{ would write a value without escaping"},
        Refused{"AnAmpersand", "{{& a}}", "{{& would write a value without escaping"},
        Refused{"APartial", "{{> a}}", "{{> would include"},
        Refused{"OtherDelimiters", "{{=<% %>=}}", "{{= would change"},
        Refused{"AnEmptyTag", "{{ }}", "a tag is empty"},
        Refused{"AnOpenTag", "a {{b", "a tag is not closed"},
        Refused{"AnOpenTagAtTheEnd", "{{", "a tag is not closed"},
        Refused{"ALineBreakInATag", "{{a\n}}", "a tag holds a line break"},
        Refused{"ALetterThatIsNotAscii", "{{!ä}}", "not ASCII"},
        Refused{"ADot", "{{.}}", "no proper name"},
        Refused{"ANameThatEndsWithADot", "{{a.}}", "no proper name"},
        Refused{"ANameWithASpace", "{{a b}}", "no proper name"},
        Refused{"ANameThatBeginsWithADigit", "{{1a}}", "no proper name"},
        Refused{"ABraceInAName", "{{a{}}", "no proper name"},
        Refused{"AnOpenSection", "{{#a}}", "{{#a}} is not closed"},
        Refused{"AnEndOfNoSection", "{{/a}}", "{{/a}} closes no open section"},
        Refused{"SectionsThatCross", "{{#a}}{{#b}}{{/a}}{{/b}}", "{{/b}} is due"},
        Refused{"SectionsTooDeep", Nested(9), "more than 8 deep"},
        Refused{"TooManyTags", Many(1001), "more than 1000 tags"},
        Refused{"TooManyBytes", std::string(16 * 1024 + 1, 'x'), "more than 16384 bytes"},
        Refused{"ANul", "a\0b"s, "control character"},
        Refused{"ACarriageReturn", "a\r\n", "control character"},
        Refused{"WhatIsNotUtf8", "\xC3(", "not UTF-8"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Scan, TakesWhatIsJustWithinItsLimits) {
  EXPECT_TRUE(Scan(Nested(8)).has_value());
  EXPECT_TRUE(Scan(Many(1000)).has_value());
  EXPECT_TRUE(Scan(std::string(16 * 1024, 'x')).has_value());
}

}  // namespace
}  // namespace connector::mustache
