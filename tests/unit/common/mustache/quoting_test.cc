#include "common/mustache/quoting.h"

#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace connector::mustache {
namespace {

using ::testing::HasSubstr;
using testing_support::HasErrorMessage;

Result<Done> Check(const std::string& text, Format format) {
  const Result<std::vector<Piece>> pieces = Scan(text);
  return pieces ? CheckQuoting(*pieces, format) : Result<Done>(pieces.error());
}

struct Row {
  std::string_view name;
  Format format;
  std::string text;
  std::string_view reason = "";

  friend void PrintTo(const Row& row, std::ostream* os) { *os << row.name; }
};

class CheckQuotingTakes : public ::testing::TestWithParam<Row> {};

TEST_P(CheckQuotingTakes, It) {
  const Result<Done> checked = Check(GetParam().text, GetParam().format);
  EXPECT_TRUE(checked.has_value()) << checked.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Right,
    CheckQuotingTakes,
    ::testing::Values(
        Row{"JsonString", Format::kJson, R"({"{{a}}": "x {{b}} y"})"},
        Row{"JsonEscapes", Format::kJson, R"(["\"{{a}}", "\\", "\\{{b}}"])"},
        Row{"JsonComma", Format::kJson, R"([{{#c}}"{{a}}"{{^last}},{{/last}}{{/c}}])"},
        Row{"JsonSectionInAString", Format::kJson, R"("{{#c}}x{{a}}{{/c}}")"},
        Row{"TomlKey", Format::kToml, "[host.\"{{a}}\"] # it's\nb = \"{{c}}\""},
        Row{"TomlLiteral", Format::kToml, "a = 'x\"y'\nb = \"{{c}}\""},
        Row{"TomlEmptyString", Format::kToml, "a = \"\"\nb = \"{{c}}\""},
        Row{"YamlValue", Format::kYaml, "a: \"{{b}}\"  # it's\n- \"{{c}}\"\n\"{{d}}\": x"},
        Row{"YamlFlow", Format::kYaml, "a: [x, \"{{b}}\", {\"{{c}}\": \"{{d}}\"}]"},
        Row{"YamlApostrophe", Format::kYaml, "a: its\nb#c: \"{{d}}\""},
        Row{"ShellWord", Format::kShell, "A='{{b}}'\nexport C=x'{{d}}'y # it's"},
        Row{"ShellSubstitution", Format::kShell, "a=\"$(x \\\"y)\"; b='{{c}}'"},
        Row{"ShellOverLines", Format::kShell, "a='x\n{{b}}\n'"},
        Row{"PlainAnywhere", Format::kPlain, "\"it's {{a}} #{{b}}"}),
    [](const auto& row) { return std::string(row.param.name); });

class CheckQuotingRefuses : public ::testing::TestWithParam<Row> {};

TEST_P(CheckQuotingRefuses, WithTheReason) {
  EXPECT_THAT(
      Check(GetParam().text, GetParam().format),
      HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr(std::string(GetParam().reason))));
}

constexpr std::string_view kBare = "does not stand in quotes";

INSTANTIATE_TEST_SUITE_P(
    Wrong,
    CheckQuotingRefuses,
    ::testing::Values(
        Row{"JsonBare",
            Format::kJson,
            "{\"a\":\n {{b}}}",
            "line 2: {{b}} does not stand in quotes"},
        Row{"JsonAfterAnEscapedQuote", Format::kJson, R"("a\\"{{b}}")", kBare},
        Row{"JsonAfterABackslash", Format::kJson, R"("\{{a}}")", "such as a backslash"},
        Row{"JsonSectionAfterABackslash", Format::kJson, R"("\{{#a}}x{{/a}}")", "a backslash"},
        Row{"JsonSingleQuotes", Format::kJson, "'{{a}}'", "no single quotes"},
        Row{"JsonOpenAtTheEnd", Format::kJson, "\"{{a}}", "stay open at the end"},
        Row{"JsonOverALine", Format::kJson, "\"a\n\"", "over the end of the line"},
        Row{"JsonQuotesThatBeginInASection", Format::kJson, R"({{#c}}"{{/c}}{{a}}")", "both ends"},
        Row{"JsonQuotesThatEndInASection", Format::kJson, R"("{{#c}}"{{/c}}{{a}}")", "both ends"},
        Row{"TomlBare", Format::kToml, "a = {{b}}", kBare},
        Row{"TomlLiteral", Format::kToml, "a = '{{b}}'", kBare},
        Row{"TomlComment", Format::kToml, "# \"{{a}}\"", kBare},
        Row{"TomlSeveralLines", Format::kToml, "a = \"\"\"{{b}}\"\"\"", "over several lines"},
        Row{"TomlSeveralLiteralLines", Format::kToml, "a = '''x'''", "over several lines"},
        Row{"YamlBare", Format::kYaml, "a: {{b}}", kBare},
        Row{"YamlSingleQuotes", Format::kYaml, "a: '{{b}}'", kBare},
        Row{"YamlComment", Format::kYaml, "a: x # \"{{b}}\"", kBare},
        Row{"YamlWithinAValue", Format::kYaml, "a: x \"{{b}}\"", "within a value"},
        Row{"YamlAfterADashWithinAValue", Format::kYaml, "a: x - \"{{b}}\"", "within a value"},
        Row{"YamlAfterACommaWithinAValue", Format::kYaml, "a: x, \"{{b}}\"", "within a value"},
        Row{"YamlAfterATag", Format::kYaml, "a: {{#c}}x{{/c}}\"{{b}}\"", "within a value"},
        Row{"YamlHashAfterATag", Format::kYaml, "a: x{{#c}} {{/c}}#\"", "a # follows a tag"},
        Row{"ShellBare", Format::kShell, "A={{b}}", kBare},
        Row{"ShellDoubleQuotes", Format::kShell, "A=\"{{b}}\"", kBare},
        Row{"ShellSingleWithinDoubleQuotes", Format::kShell, "A=\"$(x '{{b}}')\"", kBare},
        Row{"ShellComment", Format::kShell, "a;#'{{b}}'", kBare},
        Row{"ShellEscapedQuote", Format::kShell, "a=\\'{{b}}'", kBare},
        Row{"ShellDollarQuotes", Format::kShell, "A=$'{{b}}'", "$'...' is not supported"},
        Row{"ShellDollarBeforeATag", Format::kShell, "A=${{#c}}x{{/c}}'{{b}}'", "changes what"},
        Row{"ShellHereDocument", Format::kShell, "cat <<E\n'{{b}}'\nE", "here-document"},
        Row{"ShellHashAfterATag", Format::kShell, "a{{#c}} {{/c}}#'{{b}}'", "a # follows a tag"},
        Row{"ShellOpenAtTheEnd", Format::kShell, "a='{{b}}", "stay open at the end"}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace connector::mustache
