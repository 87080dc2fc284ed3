#include "cli/command_arguments.h"

#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

namespace connector::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing_support::HasErrorMessage;

CommandSpec Spec() {
  return {.name = "cook",
          .summary = "Cook a dish.",
          .positionals = "DISH",
          .min_positionals = 1,
          .max_positionals = 2,
          .flags = {{.name = "spice", .value_name = "NAME", .help = "Add it.", .repeated = true},
                    {.name = "output", .value_name = "KIND", .help = "Plate.", .short_name = 'o'},
                    {.name = "hot", .help = "Serve hot."}},
          .details = "Example:\n  connectorctl cook soup\n"};
}

Result<CommandArguments> Parse(std::vector<std::string_view> arguments,
                               const CommandSpec& spec = Spec()) {
  return ParseCommandArguments(spec, arguments);
}

TEST(ParseCommandArguments, ReadsFlagsInEveryForm) {
  const auto parsed =
      Parse({"soup", "--spice", "salt", "--spice=a=b", "-o", "bowl", "--hot", "-", "x"}, [] {
        CommandSpec spec = Spec();
        spec.max_positionals = 3;
        return spec;
      }());

  ASSERT_TRUE(parsed.has_value());
  EXPECT_THAT(parsed->Values("spice"), ElementsAre("salt", "a=b"));
  EXPECT_EQ(parsed->Value("output"), "bowl");
  EXPECT_TRUE(parsed->Has("hot"));
  EXPECT_THAT(parsed->positionals(), ElementsAre("soup", "-", "x"));
}

TEST(ParseCommandArguments, TakesEverythingAfterTwoDashesAsItStands) {
  const auto parsed = Parse({"--", "--hot", "--help"});
  ASSERT_TRUE(parsed.has_value());
  EXPECT_THAT(parsed->positionals(), ElementsAre("--hot", "--help"));
}

TEST(ParseCommandArguments, MissesNothingWhereHelpIsAsked) {
  EXPECT_TRUE(Parse({"--help"})->help());
  EXPECT_TRUE(Parse({"-h"})->help());
  EXPECT_FALSE(Parse({"soup"})->help());
}

TEST(ParseCommandArguments, KeepsFlagsThatDoNotStandAbsent) {
  const auto parsed = Parse({"soup"});
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->Value("output"), std::nullopt);
  EXPECT_EQ(parsed->ValueOr("output", "plate"), "plate");
  EXPECT_THAT(parsed->Values("spice"), ElementsAre());
}

TEST(ParseCommandArguments, WantsRequiredFlagsAndKnownChoices) {
  CommandSpec spec = Spec();
  spec.flags[1].required = true;
  EXPECT_THAT(Parse({"soup"}, spec),
              HasErrorMessage(ErrorCode::kInvalidArgument, "--output KIND is missing"));
  spec = Spec();
  spec.choices = {"soup", "bread"};
  EXPECT_TRUE(Parse({"bread"}, spec).has_value());
  EXPECT_THAT(
      Parse({"bred"}, spec),
      HasErrorMessage(ErrorCode::kInvalidArgument, "unknown DISH 'bred'; did you mean 'bread'?"));
  EXPECT_THAT(Parse({"pizza1"}, spec),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("one of soup bread")));
}

struct RefusedArguments {
  std::string_view name;
  std::vector<std::string_view> arguments;
  std::string_view message;

  friend void PrintTo(const RefusedArguments& row, std::ostream* os) { *os << row.name; }
};

class ParseArgumentsRefuses : public ::testing::TestWithParam<RefusedArguments> {};

TEST_P(ParseArgumentsRefuses, WithASentence) {
  EXPECT_THAT(Parse(GetParam().arguments),
              HasErrorMessage(ErrorCode::kInvalidArgument, std::string(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(
    Wrong,
    ParseArgumentsRefuses,
    ::testing::Values(
        RefusedArguments{"AnUnknownFlagNamingTheNearest",
                         {"soup", "--spise=x"},
                         "unknown flag --spise; did you mean --spice?"},
        RefusedArguments{
            "AnUnknownFlagThatIsNearNone", {"soup", "--zzzzzzzz"}, "unknown flag --zzzzzzzz"},
        RefusedArguments{"AnUnknownShortFlag", {"soup", "-x"}, "unknown flag -x"},
        RefusedArguments{
            "AFlagWithoutItsValue", {"soup", "--spice"}, "--spice needs a value: --spice NAME"},
        RefusedArguments{
            "AFlagAsAValue", {"soup", "--spice", "--hot"}, "--spice needs a value: --spice NAME"},
        RefusedArguments{
            "AnEmptyValue", {"soup", "--spice="}, "--spice needs a value: --spice NAME"},
        RefusedArguments{"ASwitchWithAValue", {"soup", "--hot=1"}, "--hot takes no value"},
        RefusedArguments{"ARepeatedFlagThatStandsOnce",
                         {"soup", "-o", "a", "--output", "b"},
                         "--output stands more than once"},
        RefusedArguments{"TooFewPositionals", {}, "DISH is missing"},
        RefusedArguments{"TooManyPositionals", {"a", "b", "c"}, "unexpected argument 'c'"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(HelpText, NamesUsageFlagsAndExamples) {
  const std::string text = HelpText(Spec());
  EXPECT_THAT(text, HasSubstr("connectorctl cook: Cook a dish.\n"));
  EXPECT_THAT(text, HasSubstr("Usage: connectorctl cook DISH [FLAGS]\n"));
  EXPECT_THAT(text, HasSubstr("  --spice NAME                Add it. May be repeated.\n"));
  EXPECT_THAT(text, HasSubstr("  -o, --output KIND           Plate.\n"));
  EXPECT_THAT(text, HasSubstr("Example:\n  connectorctl cook soup\n"));
}

TEST(NearestName, IsWithinThreeEdits) {
  const std::vector<std::string_view> names{"render", "validate", "check"};
  EXPECT_EQ(NearestName("rendre", names), "render");
  EXPECT_EQ(NearestName("chek", names), "check");
  EXPECT_EQ(NearestName("validationer", names), std::nullopt);
  EXPECT_EQ(NearestName("abc", names), std::nullopt) << "replacing every letter is not a slip";
}

}  // namespace
}  // namespace connector::cli
