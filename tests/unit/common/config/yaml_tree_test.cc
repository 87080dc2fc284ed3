#include "common/config/yaml_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>

namespace connector::config {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

TEST(ParseYaml, KeepsLinesOrderAndDuplicates) {
  const YamlDocuments documents = ParseYaml("b: 1\na:\n- x\n- \"2\"\nb: 3\n", "f.yaml");

  ASSERT_THAT(documents.roots, SizeIs(1));
  const Node& root = documents.roots.front();
  ASSERT_THAT(root.entries, SizeIs(3));
  EXPECT_EQ(root.entries[0].key, "b");
  EXPECT_EQ(root.entries[2].line, 5);
  const Node& list = root.entries[1].value;
  ASSERT_THAT(list.items, SizeIs(2));
  EXPECT_EQ(list.items[1].line, 4);
  EXPECT_TRUE(list.items[0].plain);
  EXPECT_FALSE(list.items[1].plain) << "quoted";
}

TEST(ParseYaml, LeavesOutDocumentsThatHoldNothing) {
  EXPECT_THAT(ParseYaml("---\n# nothing\n---\na: b\n---\n", "f").roots, SizeIs(1));
  EXPECT_THAT(ParseYaml("", "f").roots, IsEmpty());
}

TEST(ParseYaml, KeepsTheDocumentsBeforeASyntaxError) {
  const YamlDocuments documents = ParseYaml("a: b\n---\na: [\n", "f.yaml");

  EXPECT_THAT(documents.roots, SizeIs(1));
  ASSERT_THAT(documents.problems, SizeIs(1));
  EXPECT_EQ(documents.problems[0].file, "f.yaml");
  EXPECT_GE(documents.problems[0].line, 3);
}

struct RefusedText {
  std::string_view name;
  std::string text;
  int line;
  std::string_view reason;

  friend void PrintTo(const RefusedText& row, std::ostream* os) { *os << row.name; }
};

class ParseYamlRefuses : public ::testing::TestWithParam<RefusedText> {};

TEST_P(ParseYamlRefuses, WithTheLineAndTheReason) {
  const YamlDocuments documents = ParseYaml(GetParam().text, "f.yaml");

  ASSERT_THAT(documents.problems, SizeIs(1));
  EXPECT_EQ(documents.problems[0].line, GetParam().line) << documents.problems[0].message;
  EXPECT_THAT(documents.problems[0].message, HasSubstr(GetParam().reason));
}

std::string Nested(std::size_t levels) {
  return "a: " + std::string(levels, '[') + std::string(levels, ']');
}

INSTANTIATE_TEST_SUITE_P(
    Text,
    ParseYamlRefuses,
    ::testing::Values(
        RefusedText{"AnUnclosedList", "a: [b\n", 2, "not valid YAML"},
        RefusedText{"ATabAsIndent", "a:\n\tb: c\n", 2, "not valid YAML"},
        RefusedText{"AnAlias", "a: b\nc: &x d\n", 2, "anchors (&name) are not supported"},
        RefusedText{"AnAnchoredMap", "a: &x {b: c}\n", 1, "anchors (&name) are not supported"},
        RefusedText{"AnAnchoredList", "a: &x [b]\n", 1, "anchors (&name) are not supported"},
        RefusedText{"AnAnchorOfNothing", "a: &x\n", 1, "anchors (&name) are not supported"},
        RefusedText{"AnUnknownAlias", "a: *b\n", 1, "not valid YAML"},
        RefusedText{"ADocumentThatBeginsWithAComma", "a: b\n---\n,a: b\n", 3, "cannot begin with"},
        RefusedText{"AFileThatBeginsWithAComma", ",", 1, "cannot begin with"},
        RefusedText{"ATag", "a: !!binary aGk=\n", 1, "tags (!name) are not supported"},
        RefusedText{"ALocalTag", "a: !x b\n", 1, "tags (!name) are not supported"},
        RefusedText{"AMapAsKey", "? {a: b}\n: c\n", 1, "a key must be plain text"},
        RefusedText{"AListAsKey", "? [a]\n: c\n", 1, "a key must be plain text"},
        RefusedText{"NothingAsKey", "~: c\n", 1, "a key must be plain text"},
        RefusedText{"ANulByte", std::string("a: b\n\0c: d\n", 11), 2, "control character"},
        RefusedText{"Utf16",
                    std::string("\xFF\xFE"
                                "a\0",
                                4),
                    1,
                    "is UTF-16; save it as UTF-8"},
        RefusedText{"Utf16OfTheOtherOrder", std::string("\xFE\xFF\0a", 4), 1, "is UTF-16"},
        RefusedText{"Utf16WithoutItsMark", std::string("a\0:\0", 4), 1, "is UTF-16"},
        RefusedText{"AnEscapeCharacter", "a: \x1b[0m\n", 1, "control character"},
        RefusedText{"DeepNesting", Nested(kMaxYamlDepth), 0, "more than 32 levels"},
        RefusedText{"VeryDeepNesting", Nested(100000), 0, "more than 32 levels"},
        RefusedText{"AHugeFile", std::string(kMaxYamlBytes + 1, ' '), 0, "larger than 4 MiB"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(ParseYaml, AcceptsTheDeepestNestingThatIsAllowed) {
  EXPECT_THAT(ParseYaml(Nested(kMaxYamlDepth - 1), "f").problems, IsEmpty());
}

TEST(ParseYaml, DoesNotRepeatTheFileInAMessage) {
  for (const char* text : {"password: *s3cret\n",
                           "password: \"s3cret\\q\"\n",
                           "!s3cret!x a: b\n",
                           "%YAML s3cret\n---\na: b\n"}) {
    const YamlDocuments documents = ParseYaml(text, "f.yaml");
    ASSERT_THAT(documents.problems, SizeIs(1)) << text;
    EXPECT_THAT(documents.problems[0].message, Not(HasSubstr("s3cret")));
  }
}

TEST(LineOf, FindsTheDeepestPartThatExists) {
  const YamlDocuments documents = ParseYaml("spec:\n  from:\n  - a: b\n  - c:\n      d: e\n", "f");
  ASSERT_THAT(documents.roots, SizeIs(1));
  const Node& root = documents.roots.front();

  EXPECT_EQ(LineOf(root, "spec.from[1].c.d"), 5);
  EXPECT_EQ(LineOf(root, "spec.from[1].c.missing"), 4);
  EXPECT_EQ(LineOf(root, "spec.from[7].c"), 2);
  EXPECT_EQ(LineOf(root, "spec.from[0]"), 3);
  EXPECT_EQ(LineOf(root, "other"), 1);
  EXPECT_EQ(LineOf(root, ""), 1);
}

TEST(Wipe, LeavesNoScalar) {
  YamlDocuments documents = ParseYaml("a: s3cret\nb: [s3cret, {c: s3cret}]\n", "f");
  Node& root = documents.roots.front();

  Wipe(root);

  EXPECT_EQ(root.entries[0].value.text, "");
  EXPECT_EQ(root.entries[1].value.items[0].text, "");
  EXPECT_EQ(root.entries[1].value.items[1].entries[0].value.text, "");
}

}  // namespace
}  // namespace connector::config
