#include "cli/command.h"
#include "common/base/locked_arena.h"

#include <exception>
#include <iostream>
#include <string_view>
#include <vector>

int main(int argc, char** argv) {
  connector::HardenProcess();
  const connector::cli::Console console{std::cin, std::cout, std::cerr};
  try {
    const std::vector<std::string_view> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
    const int code = connector::cli::RunMain(arguments, console);
    std::cout.flush();
    // A full disk must not look like success.
    return std::cout.good()
               ? code
               : connector::cli::Fail(
                     console, connector::cli::kExitUsage, "standard output cannot be written");
  } catch (const std::exception& error) {
    return connector::cli::Fail(console, connector::cli::kExitUsage, error.what());
  }
}
