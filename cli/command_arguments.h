#pragma once

// Reads a command's arguments against what the command says it takes, and writes its help text.
// Pure: prints nothing and exits nowhere.
//
// Understands `--flag VALUE`, `--flag=VALUE`, `-o VALUE`, switches without a value, repeated flags,
// and `--` after which everything is positional. It does not abbreviate flag names and does not
// read the environment.

#include "common/base/result.h"

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace connector::cli {

struct Flag {
  std::string_view name;          // Without the leading "--".
  std::string_view value_name{};  // What stands in help for the value; empty for a switch.
  std::string_view help;          // One sentence.
  bool required = false;
  bool repeated = false;   // May stand more than once.
  char short_name = '\0';  // 'o' for -o; none when zero.
};

struct CommandSpec {
  std::string_view name;           // As typed: "validate", "pki init".
  std::string_view summary;        // One line, for the list of commands.
  std::string_view positionals{};  // As help shows them, for example "PATH..."; empty when none.
  std::size_t min_positionals = 0;
  std::size_t max_positionals = 0;
  std::vector<std::string_view> choices{};  // What the first positional may be; empty: anything.
  std::vector<Flag> flags{};
  std::string_view details;  // What it does, exit codes, examples. Ends with a line end.
};

class CommandArguments {
 public:
  [[nodiscard]] bool help() const { return help_; }
  [[nodiscard]] bool Has(std::string_view flag) const { return values_.contains(flag); }
  // The flag's value; with several, the first. A switch that is set has an empty value.
  [[nodiscard]] std::optional<std::string> Value(std::string_view flag) const;
  [[nodiscard]] std::string ValueOr(std::string_view flag, std::string_view otherwise) const;
  [[nodiscard]] std::vector<std::string> Values(std::string_view flag) const;
  [[nodiscard]] const std::vector<std::string>& positionals() const { return positionals_; }

 private:
  friend Result<CommandArguments> ParseCommandArguments(
      const CommandSpec& spec, std::span<const std::string_view> arguments);

  bool help_ = false;
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
  std::vector<std::string> positionals_;
};

// Fails with kInvalidArgument for an unknown flag (naming the nearest), a flag without its value, a
// switch with one, a repeated flag that may stand once, a missing required flag, too few or too
// many positionals, and a first one that is none of the choices. Where --help or -h stands, nothing
// is missing.
[[nodiscard]] Result<CommandArguments> ParseCommandArguments(
    const CommandSpec& spec, std::span<const std::string_view> arguments);

// The whole text of `connectorctl COMMAND --help`.
[[nodiscard]] std::string HelpText(const CommandSpec& spec);

// The candidate within edit distance 3 (and less than `word` is long), if there is one: what a
// person probably meant.
[[nodiscard]] std::optional<std::string_view> NearestName(
    std::string_view word, std::span<const std::string_view> candidates);

}  // namespace connector::cli
