#pragma once

// The command line that all services have in common: --config FILE [--check]. What they do
// with it, and what they print, is theirs.

#include <string>

namespace connector::program {

struct ServiceArguments {
  std::string config;
  bool check = false;  // Read and check the configuration, then exit.
  bool help = false;
  bool valid = true;  // False for an unknown argument, or without --config and --help.
};

[[nodiscard]] ServiceArguments ParseServiceArguments(int argc, char** argv);

}  // namespace connector::program
