#include "common/base/locked_arena.h"
#include "common/grpc/credentials.h"
#include "common/log/log.h"
#include "common/program/program.h"
#include "dataplane/app/options.h"
#include "dataplane/app/wiring.h"

#include <unistd.h>

#include <string_view>
#include <utility>

namespace {

constexpr const char* kName = "connector-dataplane";
constexpr std::string_view kUsage =
    "connector-dataplane: serves OCI clients and adds the registry's token on the way.\n"
    "\n"
    "usage: connector-dataplane --config FILE [--check]\n"
    "\n"
    "  --config FILE  configuration in YAML; dataplane/README.md lists every key\n"
    "  --check        check the configuration and what it names on this machine, then exit\n"
    "\n"
    "exit codes: 0 stopped by SIGTERM or SIGINT, or the check passed; 1 could not run;\n"
    "2 wrong usage or configuration\n";

int Run(connector::dataplane::app::DataplaneOptions options) {
  const sigset_t signals = connector::program::TakeOverSignals();
  connector::log::Logger logger(STDOUT_FILENO, kName, options.log_level);
  connector::dataplane::app::Dataplane dataplane(std::move(options), logger);
  return connector::program::Serve(dataplane, signals, logger);
}

}  // namespace

int main(int argc, char** argv) {
  connector::HardenProcess();
  connector::grpc_support::RequireTls13ForGrpc();
  return connector::program::Main<connector::dataplane::app::DataplaneOptions>(
      argc,
      argv,
      {kName,
       kUsage,
       connector::dataplane::app::LoadOptions,
       Run,
       connector::dataplane::app::CheckMachine});
}
