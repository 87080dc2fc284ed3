#include "cli/command.h"

#include "tests/unit/cli/console_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace connector::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

TEST(Connectorctl, ListsItsCommandsAndExitCodes) {
  const Outcome help = Connectorctl({"--help"});
  EXPECT_EQ(help.code, kExitOk);
  for (const Command& command : AllCommands()) {
    EXPECT_THAT(help.out, HasSubstr("\n  " + std::string(command.spec.name) + " "));
  }
  EXPECT_THAT(help.out, HasSubstr("Exit codes: 0 ok; 1"));
}

TEST(Connectorctl, SaysHowItIsUsedWhenNothingIsAsked) {
  const Outcome nothing = Connectorctl({});
  EXPECT_EQ(nothing.code, kExitUsage);
  EXPECT_THAT(nothing.out, IsEmpty());
  EXPECT_THAT(nothing.err, HasSubstr("Usage: connectorctl COMMAND"));
}

TEST(Connectorctl, TeachesEveryCommandWithAnExample) {
  for (const Command& command : AllCommands()) {
    const std::string name(command.spec.name);
    std::vector<std::string_view> words{"help"};
    const std::size_t space = name.find(' ');
    words.push_back(std::string_view(name).substr(0, space));
    if (space != std::string::npos) {
      words.push_back(std::string_view(name).substr(space + 1));
    }
    const Outcome by_word = Connectorctl(words);
    EXPECT_EQ(by_word.code, kExitOk) << name;
    EXPECT_THAT(by_word.out,
                AllOf(StartsWith("connectorctl " + name + ": "),
                      HasSubstr("Example"),
                      HasSubstr("\n  connectorctl " + name)))
        << name;
    words.erase(words.begin());
    words.push_back("--help");
    EXPECT_EQ(Connectorctl(words).out, by_word.out);
  }
}

TEST(Connectorctl, KeepsItsHelpWithinAHundredColumns) {
  for (const Command& command : AllCommands()) {
    std::istringstream text(HelpText(command.spec));
    for (std::string line; std::getline(text, line);) {
      EXPECT_LE(line.size(), 100U) << line;
    }
  }
}

TEST(Connectorctl, NamesEveryFlagOnce) {
  for (const Command& command : AllCommands()) {
    std::set<std::string_view> names{"help"};
    for (const Flag& flag : command.spec.flags) {
      EXPECT_TRUE(names.insert(flag.name).second) << command.spec.name << " --" << flag.name;
    }
  }
}

TEST(Connectorctl, GuessesAMistypedCommand) {
  const Outcome outcome = Connectorctl({"rendr", "config.json"});
  EXPECT_EQ(outcome.code, kExitUsage);
  EXPECT_THAT(outcome.err, HasSubstr("unknown command 'rendr'; did you mean 'render'?"));
  EXPECT_THAT(Connectorctl({"pki", "int", "x"}).err, HasSubstr("did you mean 'pki init'?"));
}

TEST(Connectorctl, AsksForTheSecondWordOfACommand) {
  const Outcome outcome = Connectorctl({"pki"});
  EXPECT_EQ(outcome.code, kExitUsage);
  EXPECT_THAT(outcome.err, HasSubstr("'pki' needs a second word:\n  connectorctl pki init"));
}

TEST(Connectorctl, PointsToTheHelpOfACommandThatIsUsedWrongly) {
  const Outcome outcome = Connectorctl({"render", "config.json", "--hots=a"});
  EXPECT_EQ(outcome.code, kExitUsage);
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_EQ(outcome.err,
            "connectorctl: unknown flag --hots; did you mean --host?\n"
            "connectorctl render --help explains it.\n");
}

TEST(Connectorctl, PrintsItsVersion) {
  EXPECT_THAT(Connectorctl({"version"}).out, StartsWith("connectorctl "));
  EXPECT_EQ(Connectorctl({"--version"}).out, Connectorctl({"version"}).out);
}

TEST(Completion, OffersEveryCommandAndFlagInEveryShell) {
  for (const std::string_view shell : {"bash", "zsh", "fish"}) {
    const Outcome script = Connectorctl({"completion", shell});
    EXPECT_EQ(script.code, kExitOk);
    for (const Command& command : AllCommands()) {
      const std::string name(command.spec.name);
      EXPECT_THAT(script.out, HasSubstr(name.substr(0, name.find(' '))));
      for (const Flag& flag : command.spec.flags) {
        const std::string dashes = shell == "fish" ? "-l " : "--";
        EXPECT_THAT(script.out, HasSubstr(dashes + std::string(flag.name))) << shell;
      }
    }
  }
}

TEST(Completion, TriesTheLongerBeginningFirst) {
  const std::string script = Connectorctl({"completion", "bash"}).out;
  EXPECT_LT(script.find("'pki init '*)"), script.find("'pki '*)"));
}

}  // namespace
}  // namespace connector::cli
