#include "common/mustache/template.h"

#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace connector::mustache {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing_support::HasErrorMessage;

const Names& Known() {
  static const Names names{{"a", "b", "params.x", "secret", "pem"},
                           {{"list", {{"item", "last"}, {}}}}};
  return names;
}

Template Parsed(const std::string& text, Format format = Format::kJson) {
  Result<Template> parsed = Template::Parse(text, format, Known());
  EXPECT_TRUE(parsed.has_value()) << parsed.error().message;
  return *std::move(parsed);
}

std::string Render(const std::string& text, const Fields& fields, Format format = Format::kJson) {
  const Result<Rendered> rendered = Parsed(text, format).Render({&fields});
  return rendered ? std::string(rendered->content.Reveal()) : rendered.error().message;
}

Fields Texts(std::map<std::string, std::string> texts) {
  Fields fields;
  fields.texts = std::move(texts);
  return fields;
}

TEST(Template, EscapesEveryValueForItsFormat) {
  EXPECT_EQ(Render("\"{{a}}\"", Texts({{"a", "\"}}\n"}})), "\"\\\"}}\\u000a\"");
  EXPECT_EQ(Render("x='{{a}}'", Texts({{"a", "it's"}}), Format::kShell), "x='it'\\''s'");
}

TEST(Template, NeverReadsAValueAsATemplate) {
  EXPECT_EQ(Render("\"{{a}}\"", Texts({{"a", "{{b}}{{{b}}}{{#list}}"}, {"b", "x"}})),
            "\"{{b}}{{{b}}}{{#list}}\"");
}

TEST(Template, TakesAnEmptyTextForFalse) {
  const std::string text = "{{#a}}yes{{/a}}{{^a}}no{{/a}}";
  EXPECT_EQ(Render(text, Texts({{"a", "x"}})), "yes");
  EXPECT_EQ(Render(text, Texts({{"a", ""}})), "no");
}

TEST(Template, FindsANameWithADot) {
  EXPECT_EQ(Render("\"{{params.x}}\"", Texts({{"params.x", "1"}})), "\"1\"");
}

TEST(Template, GoesThroughAListAndLeavesOutLinesThatHoldNothingButTags) {
  Fields fields = Texts({{"a", "A"}});
  fields.lists["list"] = {Texts({{"item", "1"}, {"last", ""}}),
                          Texts({{"item", "2"}, {"last", "true"}})};
  EXPECT_EQ(
      Render("[\n  {{#list}}\n  \"{{item}}{{a}}\"{{^last}},{{/last}}\n  {{/list}}\n]\n", fields),
      "[\n  \"1A\",\n  \"2A\"\n]\n");
}

TEST(Template, LeavesOutLinesOfATagAlsoWhereItsSectionIs) {
  const std::string text = "a\n  {{#b}}\n  b\n  {{/b}}\n{{! why }}\n{{^b}}  \n\nc{{/b}}\n";
  EXPECT_EQ(Render(text, Texts({{"b", ""}}), Format::kPlain), "a\n\nc\n");
  EXPECT_EQ(Render(text, Texts({{"b", "x"}}), Format::kPlain), "a\n  b\n\n");
}

TEST(Template, KeepsALineWhoseValuesAreBlank) {
  EXPECT_EQ(Render("x='\n{{#a}}{{a}}{{/a}}\n'", Texts({{"a", "  "}}), Format::kShell),
            "x='\n  \n'");
  EXPECT_EQ(Render("{{#a}}{{a}}{{/a}}", Texts({{"a", " "}}), Format::kPlain), " ");
}

TEST(Template, TakesTheFirstLayerThatHasAName) {
  const Fields first = Texts({{"a", "1"}});
  const Fields second = Texts({{"a", "2"}, {"b", "2"}});
  const Result<Rendered> rendered = Parsed("\"{{a}}{{b}}\"").Render({&first, &second});
  EXPECT_EQ(rendered->content.Reveal(), "\"12\"");
}

TEST(Template, SaysWhetherItWroteASecret) {
  const Secret secret("s\"1");
  Fields fields = Texts({{"a", "x"}});
  fields.secrets["secret"] = &secret;
  const Result<Rendered> with = Parsed("\"{{a}}\", \"{{secret}}{{secret}}\"").Render({&fields});
  EXPECT_EQ(with->content.Reveal(), "\"x\", \"s\\\"1s\\\"1\"");
  EXPECT_TRUE(with->holds_secret);
  EXPECT_FALSE(Parsed("\"{{a}}{{#secret}}.{{/secret}}\"").Render({&fields})->holds_secret);
}

TEST(Template, TakesAnEmptySecretForFalse) {
  const Secret none;
  Fields fields;
  fields.secrets["secret"] = &none;
  EXPECT_EQ(Render("{{#secret}}\"{{secret}}\"{{/secret}}{{^secret}}none{{/secret}}", fields),
            "none");
}

TEST(Template, WritesALongTextAsItIsIntoPlainFilesAlone) {
  Fields fields;
  fields.verbatim["pem"] = "-----\nx\n";
  EXPECT_EQ(Render("{{pem}}.", fields, Format::kPlain), "-----\nx\n.");
  EXPECT_EQ(Render("\"{{pem}}\"", fields), "\"-----\\u000ax\\u000a\"");
}

TEST(Template, NamesTheValueThatItsFormatCannotCarryIfItIsUsed) {
  EXPECT_EQ(Render("{{a}}", Texts({{"a", "x\ny"}, {"b", ""}}), Format::kPlain),
            "a holds a control character or a line break, which a plain file cannot carry");
  EXPECT_EQ(Render("{{b}}", Texts({{"a", "x\ny"}, {"b", "B"}}), Format::kPlain), "B");
}

TEST(Template, KnowsWhatItNeedsAndWhatItOnlyUses) {
  const Template parsed =
      Parsed("\"{{a}}{{#b}}{{b}}{{/b}}{{^params.x}}{{params.x}}{{/params.x}}\"");
  EXPECT_THAT(parsed.needed(), ElementsAre("a", "params.x"));
  EXPECT_THAT(parsed.used(), ElementsAre("a", "b", "params.x"));
  EXPECT_THAT(parsed.sections(), ElementsAre("b", "params.x"));
}

TEST(Parse, RefusesANameThatIsNotKnown) {
  EXPECT_THAT(Template::Parse("\n\"{{hots}}\"", Format::kJson, Known()),
              HasErrorMessage(ErrorCode::kInvalidArgument,
                              "line 2: {{hots}} is not known here; known: #list, a, b, params.x, "
                              "pem, secret"));
  EXPECT_THAT(Template::Parse("\"{{item}}\"", Format::kJson, Known()),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("{{item}} is not known")));
  EXPECT_THAT(Template::Parse("{{#nothing}}{{/nothing}}", Format::kJson, Known()),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("{{nothing}} is not known")));
}

TEST(Parse, RefusesAnItemsNameWhereTheListIsEmpty) {
  EXPECT_THAT(Template::Parse("\"{{^list}}{{item}}{{/list}}\"", Format::kJson, Known()),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("{{item}} is not known")));
}

TEST(Parse, RefusesAListAsAValue) {
  EXPECT_THAT(
      Template::Parse("\"{{list}}\"", Format::kJson, Known()),
      HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("is a list; write {{#list}}")));
}

TEST(Parse, RefusesWhatScanningAndQuotingDo) {
  EXPECT_THAT(Template::Parse("{{{a}}}", Format::kJson, Known()),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("without escaping")));
  EXPECT_THAT(Template::Parse("{{a}}", Format::kJson, Known()),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("does not stand in quotes")));
}

}  // namespace
}  // namespace connector::mustache
