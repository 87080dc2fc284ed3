#include "cli/command.h"

#include "cli/commands.h"

#include <algorithm>
#include <ostream>
#include <string>

namespace connector::cli {
namespace {

constexpr std::size_t kNameColumn = 21;

constexpr std::string_view kExitCodes =
    "Exit codes: 0 ok; 1 what was checked does not hold, or access is denied;\n"
    "2 wrong usage or bad input; 3 the broker could not be reached.\n";

std::string Overview(std::span<const Command> commands) {
  std::string text =
      "connectorctl: check, set up and explain an OCI Connector.\n\n"
      "Usage: connectorctl COMMAND [ARGUMENTS] [FLAGS]\n\nCommands:\n";
  for (const Command& command : commands) {
    const std::string name(command.spec.name);
    text += "  " + name + std::string(kNameColumn - std::min(kNameColumn, name.size()), ' ') +
            std::string(command.spec.summary) + "\n";
  }
  text += "\nEach command explains itself: connectorctl COMMAND --help\n\n";
  return text + std::string(kExitCodes);
}

// How many words of `arguments` the command's name takes; 0 when it is another command.
std::size_t MatchName(std::string_view name, std::span<const std::string_view> arguments) {
  std::size_t words = 0;
  while (!name.empty()) {
    const std::string_view word = name.substr(0, name.find(' '));
    if (words == arguments.size() || arguments[words] != word) {
      return 0;
    }
    ++words;
    name.remove_prefix(std::min(name.size(), word.size() + 1));
  }
  return words;
}

int UnknownCommand(std::span<const Command> commands,
                   std::span<const std::string_view> arguments,
                   const Console& console) {
  std::string typed(arguments[0]);
  std::string group;
  std::vector<std::string_view> names;
  for (const Command& command : commands) {
    names.push_back(command.spec.name);
    if (command.spec.name.starts_with(typed + " ")) {
      group += "\n  connectorctl " + std::string(command.spec.name);
    }
  }
  if (!group.empty() && arguments.size() > 1 && !arguments[1].starts_with("-")) {
    typed += " " + std::string(arguments[1]);
  } else if (!group.empty()) {
    return Fail(console, kExitUsage, "'" + typed + "' needs a second word:" + group);
  }
  std::string message = "unknown command '" + typed + "'";
  if (const auto nearest = NearestName(typed, names)) {
    message += "; did you mean '" + std::string(*nearest) + "'?";
  }
  return Fail(console, kExitUsage, message + " (connectorctl --help lists all)");
}

int RunCommand(const Command& command,
               std::span<const std::string_view> arguments,
               const Console& console) {
  const Result<CommandArguments> parsed = ParseCommandArguments(command.spec, arguments);
  if (!parsed) {
    return Fail(console,
                kExitUsage,
                parsed.error().message + "\nconnectorctl " + std::string(command.spec.name) +
                    " --help explains it.");
  }
  if (parsed->help()) {
    console.out << HelpText(command.spec);
    return kExitOk;
  }
  return command.run(*parsed, console);
}

}  // namespace

int Fail(const Console& console, ExitCode code, std::string_view message) {
  console.err << "connectorctl: " << message << "\n";
  return code;
}

std::vector<Command> AllCommands() {
  return {ValidateCommand(),
          PkiInitCommand(),
          PkiClusterCommand(),
          TokenMintCommand(),
          RenderCommand(),
          ExplainCommand(),
          ListenerCaCommand(),
          CheckCommand(),
          PingCommand(),
          AuditVerifyCommand(),
          CompletionCommand(),
          CredentialProviderCommand(),
          VersionCommand()};
}

int RunMain(std::span<const std::string_view> arguments, const Console& console) {
  const std::vector<Command> commands = AllCommands();
  const bool asks_help = !arguments.empty() && arguments[0] == "help";
  if (asks_help) {
    arguments = arguments.subspan(1);
  }
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h") {
    (asks_help || !arguments.empty() ? console.out : console.err) << Overview(commands);
    return asks_help || !arguments.empty() ? kExitOk : kExitUsage;
  }
  if (arguments[0] == "--version") {
    return RunCommand(VersionCommand(), {}, console);
  }
  for (const Command& command : commands) {
    const std::size_t words = MatchName(command.spec.name, arguments);
    if (words == 0) {
      continue;
    }
    if (asks_help) {
      console.out << HelpText(command.spec);
      return kExitOk;
    }
    return RunCommand(command, arguments.subspan(words), console);
  }
  return UnknownCommand(commands, arguments, console);
}

}  // namespace connector::cli
