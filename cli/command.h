#pragma once

// What a command of connectorctl is: what it takes, and the function that runs it. Each command
// stands in a file of its own; command.cc lists them.

#include "cli/command_arguments.h"
#include "common/base/result.h"

#include <iosfwd>
#include <span>
#include <string_view>
#include <vector>

namespace connector::cli {

// Documented in --help and README.md; scripts rely on them.
enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,       // What was checked does not hold, or access is denied.
  kExitUsage = 2,        // Wrong flags, or an input that cannot be read.
  kExitUnreachable = 3,  // The broker did not answer.
};

// Where a command reads and writes. Nothing but results goes to `out`, so that it can be piped.
struct Console {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
};

struct Command {
  CommandSpec spec;
  int (*run)(const CommandArguments& arguments, const Console& console);
};

// Prints "connectorctl: MESSAGE" to `err` and returns `code`.
int Fail(const Console& console, ExitCode code, std::string_view message);

// Every command, in the order in which help lists them.
[[nodiscard]] std::vector<Command> AllCommands();

// Picks the command that `arguments` (without the program's name) start with, and runs it.
[[nodiscard]] int RunMain(std::span<const std::string_view> arguments, const Console& console);

}  // namespace connector::cli
