#include "cli/commands.h"
#include "common/base/version.h"

#include <ostream>

namespace connector::cli {
namespace {

int RunVersion(const CommandArguments& /*arguments*/, const Console& console) {
  console.out << "connectorctl " << kVersion << "\n";
  return kExitOk;
}

}  // namespace

Command VersionCommand() {
  return {{.name = "version",
           .summary = "Print the version.",
           .positionals = "",
           .flags = {},
           .details = "Example:\n  connectorctl version\n"},
          RunVersion};
}

}  // namespace connector::cli
