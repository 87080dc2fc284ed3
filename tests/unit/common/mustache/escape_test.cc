#include "common/mustache/escape.h"

#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace connector::mustache {
namespace {

using ::testing::HasSubstr;
using testing_support::HasErrorMessage;
using testing_support::HasValue;
using namespace std::string_view_literals;

// That real parsers read every value back is tests/integration/rendered's; here is what it costs.

TEST(Escape, InDoubleQuotesLeavesNothingThatEndsTheStringOrTheLine) {
  for (const Format format : {Format::kJson, Format::kToml, Format::kYaml}) {
    EXPECT_THAT(Escape(format, "a\"b\\c\n\t\x7F}}$(x)`"),
                HasValue(R"(a\"b\\c\u000a\u0009\u007f}}$(x)`)"));
  }
}

TEST(Escape, InDoubleQuotesWritesWhatYamlTakesForALineBreakOrForNothing) {
  EXPECT_THAT(
      Escape(Format::kYaml,
             "\xC2\x85\xC2\xA0\xE2\x80\xA8\xE2\x80\xA9\xEF\xBB\xBF\xEF\xBF\xBE\xEF\xBF\xBF"),
      HasValue(R"(\u0085\u00a0\u2028\u2029\ufeff\ufffe\uffff)"));
}

TEST(Escape, KeepsLettersOfEveryScript) {
  for (const Format format :
       {Format::kJson, Format::kToml, Format::kYaml, Format::kShell, Format::kPlain}) {
    EXPECT_THAT(Escape(format, "ä\xC4\x80€😀"), HasValue("ä\xC4\x80€😀"));
  }
}

TEST(Escape, InSingleQuotesLetsNothingCloseThem) {
  EXPECT_THAT(Escape(Format::kShell, "it's $(x) `y` \"z\" \\\n"),
              HasValue("it'\\''s $(x) `y` \"z\" \\\n"));
}

TEST(Escape, RefusesInPlainFilesWhatEndsALine) {
  for (const std::string_view value : {"a\nb", "\r", "\t", "\x1B[m", "\x7F"}) {
    EXPECT_THAT(Escape(Format::kPlain, value),
                HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("control character")));
  }
}

TEST(Escape, RefusesInAPathWhatLeavesIt) {
  EXPECT_THAT(Escape(Format::kPath, "a-b_C.9:[]"), HasValue("a-b_C.9:[]"));
  for (const std::string_view value : {"a/b", "a\\b", "a b", "a\n", "ä", "*", "~"}) {
    EXPECT_THAT(Escape(Format::kPath, value),
                HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("file's name")));
  }
}

TEST(Escape, RefusesANulInEveryFormat) {
  for (const Format format : {Format::kJson,
                              Format::kToml,
                              Format::kYaml,
                              Format::kShell,
                              Format::kPlain,
                              Format::kPath}) {
    EXPECT_THAT(Escape(format, "a\0b"sv),
                HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("NUL")));
  }
}

TEST(Escape, RefusesWhatIsNotUtf8) {
  for (const std::string_view value : {"\x80",              // A following byte alone
                                       "\xC3",              // Cut off
                                       "\xC3(",             // Followed by no following byte
                                       "\xC0\xAF",          // "/" in two bytes
                                       "\xE0\x80\xAF",      // and in three
                                       "\xED\xA0\x80",      // A surrogate
                                       "\xF4\x90\x80\x80",  // Above U+10FFFF
                                       "\xF8\x88\x80\x80\x80"}) {
    EXPECT_THAT(Escape(Format::kJson, value),
                HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("UTF-8")));
  }
}

TEST(FormatOfFile, IsTheExtensions) {
  EXPECT_EQ(FormatOfFile("a/b.json"), Format::kJson);
  EXPECT_EQ(FormatOfFile("hosts.toml"), Format::kToml);
  EXPECT_EQ(FormatOfFile("a.yaml"), Format::kYaml);
  EXPECT_EQ(FormatOfFile("a.yml"), Format::kYaml);
  EXPECT_EQ(FormatOfFile(".env"), Format::kShell);
  EXPECT_EQ(FormatOfFile("login.sh"), Format::kShell);
  EXPECT_EQ(FormatOfFile("certs.d/h:1/ca.crt"), Format::kPlain);
  EXPECT_EQ(FormatOfFile("certs.d/token"), Format::kPlain);
}

TEST(FormatOfFile, IsNotGuessedForAnExtensionThatSaysNothing) {
  EXPECT_EQ(FormatOfFile("registries.conf"), std::nullopt);
  EXPECT_EQ(FormatOfFile("a.json.tmpl"), std::nullopt);
}

TEST(ToString, IsTheNameThatClassesWrite) {
  EXPECT_EQ(ToString(Format::kJson), "json");
  EXPECT_EQ(ToString(Format::kShell), "shell");
}

}  // namespace
}  // namespace connector::mustache
