#include "cli/commands.h"

#include <ostream>

namespace connector::cli {
namespace {

int Run(const Arguments& /*arguments*/, const Console& console) {
  console.out << "connectorctl " << CONNECTOR_VERSION << "\n";
  return kExitOk;
}

}  // namespace

Command Version() {
  return {{.name = "version",
           .summary = "Print the version.",
           .positionals = "",
           .flags = {},
           .details = "Example:\n  connectorctl version\n"},
          Run};
}

}  // namespace connector::cli
