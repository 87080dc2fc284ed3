#include "common/program/service_arguments.h"

#include <string_view>

namespace connector::program {

ServiceArguments ParseServiceArguments(int argc, char** argv) {
  ServiceArguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--config" && i + 1 < argc) {
      arguments.config = argv[++i];
    } else if (argument == "--check") {
      arguments.check = true;
    } else if (argument == "--help" || argument == "-h") {
      arguments.help = true;
    } else {
      arguments.valid = false;
    }
  }
  arguments.valid = arguments.valid && (arguments.help || !arguments.config.empty());
  return arguments;
}

}  // namespace connector::program
