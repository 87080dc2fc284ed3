#include "common/config/long_words.h"

#include "common/config/yaml_tree.h"

#include <gtest/gtest.h>

#include <string>

namespace connector::config {
namespace {

const std::string kLongWord(kLeastLongWord, 'A');
const std::string kLongerWord = std::string(2 * kLeastLongWord, 'b') + "+/==";

std::string ValueOfA(const std::string& text) {
  const YamlDocuments documents = ParseYaml(text, "f");
  EXPECT_TRUE(documents.problems.empty()) << documents.problems.front().message;
  const Node* value = documents.roots.empty() ? nullptr : documents.roots.front().Find("a");
  return value == nullptr ? "nothing" : value->text;
}

TEST(LongWordsOfYaml, AreShortForTheParser) {
  EXPECT_LT(LongWords("a: " + kLongWord + " " + kLongerWord).shortened().size(), 50U);
}

TEST(LongWordsOfYaml, AreReadAsTheyStand) {
  EXPECT_EQ(ValueOfA("a: " + kLongWord), kLongWord);
  EXPECT_EQ(ValueOfA("a: '" + kLongWord + "'"), kLongWord);
  EXPECT_EQ(ValueOfA("a: \"x " + kLongWord + "\""), "x " + kLongWord);
  EXPECT_EQ(ValueOfA("a: " + kLongWord + "\n  " + kLongerWord + " " + kLongWord),
            kLongWord + " " + kLongerWord + " " + kLongWord);
  EXPECT_EQ(ValueOfA("a: |\n  " + kLongWord + "\n  " + kLongerWord + "\n"),
            kLongWord + "\n" + kLongerWord + "\n");
  EXPECT_EQ(ValueOfA("a: [" + kLongWord + "]"), "");
}

TEST(LongWordsOfYaml, KeepTheLinesOfWhatFollows) {
  const YamlDocuments documents =
      ParseYaml("a:\n  - " + kLongWord + "\n# " + kLongerWord + "\nb: c\n", "f");
  EXPECT_EQ(documents.roots.at(0).entries.at(1).line, 4);
  EXPECT_EQ(documents.roots.at(0).entries.at(0).value.items.at(0).text, kLongWord);
}

TEST(LongWordsOfYaml, AreNoPartOfAnEscape) {
  EXPECT_EQ(ValueOfA("a: \"\\x41" + kLongWord + "\""), "A" + kLongWord);
  EXPECT_EQ(ValueOfA("a: \"" + kLongWord + " lo\\x6eg0word0\""), kLongWord + " long0word0");
}

TEST(LongWordsOfYaml, AreNotMistakenForWordsOfTheText) {
  std::string marks;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(ValueOfA("a: " + marks + kLongWord), marks + kLongWord) << i;
    marks += "long" + std::to_string(i) + "word0 ";
  }
}

TEST(LongWordsOfYaml, LeaveShortOnesAlone) {
  const std::string text = "a: " + kLongWord.substr(1) + "\n";
  EXPECT_EQ(LongWords(text).shortened(), text);
}

}  // namespace
}  // namespace connector::config
