#include "cli/command_arguments.h"

#include "common/base/input_error.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace connector::cli {
namespace {

constexpr std::size_t kMaxEditDistance = 3;
constexpr std::size_t kHelpColumn = 30;

// Levenshtein's distance, one row at a time.
std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, substituted});
    }
  }
  return row.back();
}

const Flag* FindFlag(const CommandSpec& spec, std::string_view name, bool is_short) {
  const auto matches = [&](const Flag& flag) {
    return is_short ? flag.short_name != '\0' && name.size() == 1 && flag.short_name == name[0]
                    : flag.name == name;
  };
  const auto found = std::find_if(spec.flags.begin(), spec.flags.end(), matches);
  return found == spec.flags.end() ? nullptr : &*found;
}

Error UnknownFlag(const CommandSpec& spec, std::string_view as_typed, std::string_view name) {
  std::vector<std::string_view> names{"help"};
  for (const Flag& flag : spec.flags) {
    names.push_back(flag.name);
  }
  std::string message = "unknown flag " + std::string(as_typed);
  if (const auto nearest = NearestName(name, names)) {
    message += "; did you mean --" + std::string(*nearest) + "?";
  }
  return InvalidInput(std::move(message));
}

// The value of `flag`, from "=VALUE" or from the next argument.
Result<std::string> TakeValue(const Flag& flag,
                              std::optional<std::string_view> inline_value,
                              std::span<const std::string_view>& rest) {
  const std::string name = "--" + std::string(flag.name);
  if (flag.value_name.empty()) {
    if (inline_value) {
      return InvalidInput(name + " takes no value");
    }
    return std::string();
  }
  // A flag after a flag is a forgotten value; a value that looks like one is written with "=".
  if (!inline_value && !rest.empty() && !rest.front().starts_with("--")) {
    inline_value = rest.front();
    rest = rest.subspan(1);
  }
  if (!inline_value || inline_value->empty()) {
    return InvalidInput(name + " needs a value: " + name + " " + std::string(flag.value_name));
  }
  return std::string(*inline_value);
}

Error UnknownChoice(const CommandSpec& spec, const std::string& typed) {
  std::string message = "unknown " + std::string(spec.positionals) + " '" + typed + "'";
  if (const auto nearest = NearestName(typed, spec.choices)) {
    return InvalidInput(message + "; did you mean '" + std::string(*nearest) + "'?");
  }
  message += ": choose one of";
  for (const std::string_view choice : spec.choices) {
    message += " " + std::string(choice);
  }
  return InvalidInput(std::move(message));
}

Result<Done> CheckComplete(const CommandSpec& spec, const CommandArguments& arguments) {
  for (const Flag& flag : spec.flags) {
    if (flag.required && !arguments.Has(flag.name)) {
      return InvalidInput("--" + std::string(flag.name) + " " + std::string(flag.value_name) +
                          " is missing");
    }
  }
  const std::vector<std::string>& positionals = arguments.positionals();
  if (positionals.size() < spec.min_positionals) {
    return InvalidInput(std::string(spec.positionals) + " is missing");
  }
  if (positionals.size() > spec.max_positionals) {
    return InvalidInput("unexpected argument '" + positionals[spec.max_positionals] + "'");
  }
  if (!spec.choices.empty() &&
      std::find(spec.choices.begin(), spec.choices.end(), positionals[0]) == spec.choices.end()) {
    return UnknownChoice(spec, positionals[0]);
  }
  return Done{};
}

std::string FlagHelp(const Flag& flag) {
  std::string line = "  ";
  if (flag.short_name != '\0') {
    line += std::string("-") + flag.short_name + ", ";
  }
  line += "--" + std::string(flag.name);
  if (!flag.value_name.empty()) {
    line += " " + std::string(flag.value_name);
  }
  line += line.size() + 1 < kHelpColumn ? std::string(kHelpColumn - line.size(), ' ')
                                        : "\n" + std::string(kHelpColumn, ' ');
  line += flag.help;
  line += flag.required ? " Required." : "";
  line += flag.repeated ? " May be repeated." : "";
  return line + "\n";
}

}  // namespace

std::optional<std::string> CommandArguments::Value(std::string_view flag) const {
  const auto found = values_.find(flag);
  return found == values_.end() ? std::nullopt : std::optional(found->second.front());
}

std::string CommandArguments::ValueOr(std::string_view flag, std::string_view otherwise) const {
  return Value(flag).value_or(std::string(otherwise));
}

std::vector<std::string> CommandArguments::Values(std::string_view flag) const {
  const auto found = values_.find(flag);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

Result<CommandArguments> ParseCommandArguments(const CommandSpec& spec,
                                               std::span<const std::string_view> arguments) {
  CommandArguments parsed;
  while (!arguments.empty()) {
    const std::string_view argument = arguments.front();
    arguments = arguments.subspan(1);
    if (argument == "--") {
      parsed.positionals_.insert(parsed.positionals_.end(), arguments.begin(), arguments.end());
      break;
    }
    if (argument == "--help" || argument == "-h") {
      parsed.help_ = true;
      return parsed;
    }
    // A lone "-" is a positional by custom: standard input.
    if (argument.size() < 2 || argument[0] != '-') {
      parsed.positionals_.emplace_back(argument);
      continue;
    }
    const bool is_short = argument[1] != '-';
    std::string_view name = argument.substr(is_short ? 1 : 2);
    const std::string_view as_typed = argument.substr(0, argument.find('='));
    std::optional<std::string_view> inline_value;
    if (const auto equals = name.find('='); equals != std::string_view::npos) {
      inline_value = name.substr(equals + 1);
      name = name.substr(0, equals);
    }
    const Flag* const flag = FindFlag(spec, name, is_short);
    if (flag == nullptr) {
      return UnknownFlag(spec, as_typed, name);
    }
    Result<std::string> value = TakeValue(*flag, inline_value, arguments);
    if (!value) {
      return std::move(value).error();
    }
    std::vector<std::string>& values = parsed.values_[std::string(flag->name)];
    if (!values.empty() && !flag->repeated) {
      return InvalidInput("--" + std::string(flag->name) + " stands more than once");
    }
    values.push_back(*std::move(value));
  }
  if (const Result<Done> complete = CheckComplete(spec, parsed); !complete) {
    return complete.error();
  }
  return parsed;
}

std::string HelpText(const CommandSpec& spec) {
  std::string text = "connectorctl " + std::string(spec.name) + ": " + std::string(spec.summary) +
                     "\n\nUsage: connectorctl " + std::string(spec.name);
  if (!spec.positionals.empty()) {
    text += " " + std::string(spec.positionals);
  }
  text += spec.flags.empty() ? "\n" : " [FLAGS]\n";
  if (!spec.flags.empty()) {
    text += "\nFlags:\n";
    for (const Flag& flag : spec.flags) {
      text += FlagHelp(flag);
    }
  }
  return text + "\n" + std::string(spec.details);
}

std::optional<std::string_view> NearestName(std::string_view word,
                                            std::span<const std::string_view> candidates) {
  std::optional<std::string_view> nearest;
  std::size_t least = std::min(kMaxEditDistance + 1, word.size());
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = EditDistance(word, candidate);
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace connector::cli
